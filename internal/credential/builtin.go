package credential

import (
	"maps"
	"slices"
)

// builtin returns the schemes that every installation knows.
func builtin() []*Scheme {
	return []*Scheme{
		{
			Name: "betatesting_static", Kind: APIKey, Owner: OwnedByOrganization,
			Text:   Format{"btst_", Base62, 64},
			Expiry: ExpiryOperator, MaxActive: 1, PerMinute: 300,
			Scopes:    ScopeRule{Known: betatestingScopes(), Default: []Scope{"api:read", "api:write"}, Fixed: true},
			Presented: []Presentation{AsBearer}, HintPublic: HintName,
		},
		{
			Name: "betatesting_client", Kind: OAuthClient, Owner: OwnedByOrganization,
			Text: Format{"btcs_", Base62, 40}, ClientID: &Format{"btci_", Base62, 20},
			Expiry: ExpiryOperator, MaxActive: 5, PerMinute: 300,
			Scopes:    ScopeRule{Known: betatestingScopes(), Default: []Scope{"api:read", "api:write"}},
			Presented: []Presentation{AsTokenEndpoint}, HintPublic: HintClientID,
		},
		{
			Name: "betahub_pat", Kind: PersonalAccessToken, Owner: OwnedByUser,
			Text: Format{"pat-", Hex, 64}, Expiry: ExpiryOptional,
			Scopes:    ScopeRule{Known: userScopes(), Default: []Scope{UserScope}, Fixed: true},
			Presented: []Presentation{AsBearer, AsBare}, HintPublic: HintFingerprint,
		},
		{
			Name: "betahub_project_token", Kind: ProjectToken, Owner: OwnedByProject,
			Text: Format{"tkn-", Hex, 64}, Expiry: ExpiryOptional,
			Scopes: ScopeRule{Known: map[Scope]PermissionSet{
				"can_create_bug_report":      PermissionsOf(BugReportsCreate),
				"can_create_feature_request": PermissionsOf(FeatureRequestsCreate),
				"can_create_support_ticket":  PermissionsOf(SupportTicketsCreate),
			}},
			Presented: []Presentation{AsFormUser, AsBare}, HintPublic: HintFingerprint,
		},
		{
			Name: "onetest_key", Kind: APIKey, Owner: OwnedByProject,
			Text: Format{"ak_", Base32, 32}, Expiry: ExpiryOptional, Metered: true,
			Scopes:    ScopeRule{Known: onetestScopes(), Default: slices.Sorted(maps.Keys(onetestScopes()))},
			Presented: []Presentation{AsBearer}, HintLast: 4,
		},
		bunship("bunship_live", "live", "bsk_live_"),
		bunship("bunship_test", "test", "bsk_test_"),
		{
			Name: "testkase_pat", Kind: PersonalAccessToken, Owner: OwnedByUser,
			Text: Format{"tk_pat_", Base62, 40}, Expiry: ExpiryRequired,
			LifetimeDays: []int{7, 30, 60, 90, 180, 365}, ExpiryFixed: true, PerMinute: 300,
			Scopes:    ScopeRule{Known: userScopes(), Default: []Scope{UserScope}, Fixed: true},
			Presented: []Presentation{AsBearer}, HintFirst: 8, HintLast: 6,
		},
		{
			Name: "gatehouse_key", Kind: APIKey, Owner: OwnedByOrganization, Installation: true,
			Text: Format{"gate_", Base62, 40}, Expiry: ExpiryOptional,
			Scopes:    ScopeRule{Known: nativeScopes()},
			Presented: []Presentation{AsBearer, AsAPIKeyHeader}, HintLast: 4,
		},
	}
}

// bunship is one of the two modes of a key; both count together.
func bunship(name, mode, prefix string) *Scheme {
	known, alias := bunshipScopes()
	return &Scheme{
		Name: name, Kind: APIKey, Mode: mode, Owner: OwnedByOrganization,
		Text: Format{prefix, Base62, 43}, Expiry: ExpiryOptional,
		MaxActive: 10, CountedAs: "bunship", PerMinute: 1000,
		Scopes:    ScopeRule{Known: known, Alias: alias},
		Presented: []Presentation{AsAPIKeyHeader, AsBearer}, HintFirst: 4,
	}
}

// work is what happens inside projects, as reads and as writes.
func work() (reads, writes PermissionSet) {
	reads = PermissionsOf(ProjectsRead, IssuesRead, TestsRead, ResultsRead, ArtifactsRead)
	writes = PermissionsOf(ProjectsWrite, IssuesWrite, TestsWrite, ResultsWrite, ArtifactsWrite,
		BugReportsCreate, FeatureRequestsCreate, SupportTicketsCreate)
	return reads, writes
}

func betatestingScopes() map[Scope]PermissionSet {
	reads, writes := work()
	return map[Scope]PermissionSet{
		"api:read":  reads | PermissionsOf(OrganizationRead, MembersRead, WebhooksRead, UsageRead),
		"api:write": writes | PermissionsOf(WebhooksWrite),
	}
}

// userScopes is the single scope of tokens that stand in for their user. Who
// may verify other credentials is never a matter of a user's own token.
func userScopes() map[Scope]PermissionSet {
	return map[Scope]PermissionSet{UserScope: allPermissions &^ PermissionsOf(CredentialsVerify)}
}

func onetestScopes() map[Scope]PermissionSet {
	return map[Scope]PermissionSet{
		"autotests:read":   PermissionsOf(ResultsRead),
		"autotests:write":  PermissionsOf(ResultsWrite),
		"testcases:read":   PermissionsOf(TestsRead),
		"testcases:write":  PermissionsOf(TestsWrite),
		"testruns:read":    PermissionsOf(ResultsRead),
		"testruns:write":   PermissionsOf(ResultsWrite),
		"artifacts:read":   PermissionsOf(ArtifactsRead),
		"artifacts:write":  PermissionsOf(ArtifactsWrite),
		"membership:read":  PermissionsOf(ProjectsRead, MembersRead),
		"membership:write": PermissionsOf(ProjectsWrite),
		"activity:read":    PermissionsOf(UsageRead),
	}
}

// bunshipScopes returns the scopes of BunShip keys, and the other spelling
// ("members:read" for "read:members") that its reference uses as well.
func bunshipScopes() (known map[Scope]PermissionSet, alias map[Scope]Scope) {
	reads, writes := work()
	known = map[Scope]PermissionSet{
		"read:projects":   reads,
		"write:projects":  writes,
		"read:members":    PermissionsOf(OrganizationRead, MembersRead),
		"write:members":   PermissionsOf(MembersWrite),
		"read:webhooks":   PermissionsOf(WebhooksRead),
		"write:webhooks":  PermissionsOf(WebhooksWrite),
		"read:billing":    PermissionsOf(UsageRead),
		"read:audit-logs": PermissionsOf(AuditRead),
		AllScope:          0, // what the others stand for
	}
	alias = map[Scope]Scope{
		"projects:read": "read:projects", "projects:write": "write:projects",
		"members:read": "read:members", "members:write": "write:members",
		"webhooks:read": "read:webhooks", "webhooks:write": "write:webhooks",
		"billing:read": "read:billing", "audit-logs:read": "read:audit-logs",
	}
	return known, alias
}

// nativeScopes gives every native permission a scope of the same name.
func nativeScopes() map[Scope]PermissionSet {
	known := make(map[Scope]PermissionSet, len(permissions))
	for _, p := range permissions {
		known[Scope(p)] = p.bit()
	}
	return known
}
