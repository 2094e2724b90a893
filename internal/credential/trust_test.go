package credential_test

import (
	"errors"
	"maps"
	"strings"
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

func gitHubRule(change func(*credential.Trust)) *credential.Trust {
	t := &credential.Trust{Provider: credential.GitHub, Issuer: credential.GitHub.Issuer(), Repository: "123", Branch: "main"}
	if change != nil {
		change(t)
	}
	return t
}

// gitHubJob is what GitHub says of a job that runs for a push to main.
func gitHubJob(change map[string]string) map[string]string {
	claims := map[string]string{
		"repository": "acme/site", "repository_id": "123", "repository_owner_id": "9", "event_name": "push",
		"ref": "refs/heads/main", "ref_type": "branch", "ref_protected": "true", "environment": "production",
	}
	maps.Copy(claims, change)
	return claims
}

func gitLabJob(change map[string]string) map[string]string {
	claims := map[string]string{
		"project_path": "acme/site", "project_id": "123", "namespace_id": "9", "pipeline_source": "push", "ref": "main", "ref_type": "branch", "ref_protected": "false",
	}
	maps.Copy(claims, change)
	return claims
}

// TestO13_TrustMatches: a rule lets in what it names and nothing that is only like
// it, and never what strangers begin from a fork.
func TestO13_TrustMatches(t *testing.T) {
	t.Parallel()
	gitLab := func(t *credential.Trust) { t.Provider = credential.GitLab }
	for name, c := range map[string]struct {
		rule   *credential.Trust
		claims map[string]string
		want   string
	}{
		"a push":                       {gitHubRule(nil), gitHubJob(nil), ""},
		"another repository":           {gitHubRule(nil), gitHubJob(map[string]string{"repository_id": "1234"}), "repository"},
		"the same name, another id":    {gitHubRule(nil), gitHubJob(map[string]string{"repository_id": "124"}), "repository"},
		"no repository":                {gitHubRule(func(t *credential.Trust) { t.Repository = "" }), gitHubJob(map[string]string{"repository_id": ""}), "repository"},
		"another owner":                {gitHubRule(func(t *credential.Trust) { t.Owner = "8" }), gitHubJob(nil), "owner"},
		"another branch":               {gitHubRule(nil), gitHubJob(map[string]string{"ref": "refs/heads/main2"}), "ref"},
		"a tag of the name":            {gitHubRule(nil), gitHubJob(map[string]string{"ref": "refs/tags/main", "ref_type": "tag"}), "ref"},
		"a branch called like a ref":   {gitHubRule(nil), gitHubJob(map[string]string{"ref": "refs/heads/refs/heads/main"}), "ref"},
		"a pull request":               {gitHubRule(nil), gitHubJob(map[string]string{"event_name": "pull_request", "ref": "refs/pull/7/merge"}), "event"},
		"its ref alone":                {gitHubRule(func(t *credential.Trust) { t.Branch = "**" }), gitHubJob(map[string]string{"ref": "refs/pull/7/merge"}), "ref"},
		"one that runs on main":        {gitHubRule(nil), gitHubJob(map[string]string{"event_name": "pull_request_target"}), "event"},
		"one where no branch is asked": {gitHubRule(func(t *credential.Trust) { t.Branch = "" }), gitHubJob(map[string]string{"event_name": "pull_request_target"}), "event"},
		"pull requests let in": {gitHubRule(func(t *credential.Trust) { t.Branch, t.PullRequests = "", true }),
			gitHubJob(map[string]string{"event_name": "pull_request", "ref": "refs/pull/7/merge"}), ""},
		"no event":                      {gitHubRule(nil), gitHubJob(map[string]string{"event_name": ""}), "event"},
		"another environment":           {gitHubRule(func(t *credential.Trust) { t.Environment = "Production" }), gitHubJob(nil), "environment"},
		"not protected":                 {gitHubRule(func(t *credential.Trust) { t.Protected = true }), gitHubJob(map[string]string{"ref_protected": "false"}), "protected"},
		"a claim it lacks":              {gitHubRule(func(t *credential.Trust) { t.Claims = map[string]string{"workflow": "x"} }), gitHubJob(nil), "claims"},
		"a tag":                         {gitHubRule(func(t *credential.Trust) { t.Branch, t.Tag = "", "v*" }), gitHubJob(map[string]string{"ref": "refs/tags/v1.2", "ref_type": "tag"}), ""},
		"GitLab's words at GitHub":      {gitHubRule(nil), gitLabJob(nil), "repository"},
		"GitLab":                        {gitHubRule(gitLab), gitLabJob(nil), ""},
		"GitLab, a merge request":       {gitHubRule(gitLab), gitLabJob(map[string]string{"pipeline_source": "merge_request_event"}), "event"},
		"GitLab, below a merge request": {gitHubRule(gitLab), gitLabJob(map[string]string{"pipeline_source": "parent_pipeline"}), "event"},
		"GitLab, such a one of a protected branch": {gitHubRule(gitLab), gitLabJob(map[string]string{"pipeline_source": "parent_pipeline", "ref_protected": "true"}), "event"},
		"GitLab, where one is asked for": {gitHubRule(func(t *credential.Trust) { t.Provider, t.Protected = credential.GitLab, true }),
			gitLabJob(map[string]string{"pipeline_source": "parent_pipeline", "ref_protected": "true"}), ""},
		"GitLab, where one is asked for, and isn't": {gitHubRule(func(t *credential.Trust) { t.Provider, t.Protected = credential.GitLab, true }),
			gitLabJob(map[string]string{"pipeline_source": "parent_pipeline"}), "event"},
		"GitLab, where merge requests are let in": {gitHubRule(func(t *credential.Trust) { t.Provider, t.Branch, t.PullRequests = credential.GitLab, "", true }),
			gitLabJob(map[string]string{"pipeline_source": "parent_pipeline"}), ""},
		"GitLab, a tag of the name": {gitHubRule(gitLab), gitLabJob(map[string]string{"ref_type": "tag"}), "ref"},
		"GitLab, GitHub's words":    {gitHubRule(gitLab), gitHubJob(nil), "repository"},
		"another": {&credential.Trust{Provider: credential.OtherProvider, Claims: map[string]string{"pipeline": "7", "signed": "true"}},
			map[string]string{"pipeline": "7", "signed": "true", "more": "x"}, ""},
		"another that asks nothing": {&credential.Trust{Provider: credential.OtherProvider}, map[string]string{"pipeline": "7"}, "claims"},
		"of no provider":            {&credential.Trust{}, gitHubJob(nil), "provider"},
	} {
		if got := c.rule.Mismatch(c.claims); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
	for pattern, names := range map[string]struct{ in, out []string }{
		"main":      {[]string{"main"}, []string{"Main", "mai", "main/", "xmain"}},
		"release/*": {[]string{"release/1", "release/"}, []string{"release/1/2", "release", "prerelease/1"}},
		"release**": {[]string{"release/1/2", "release"}, []string{"rel"}},
		"*":         {[]string{"main"}, []string{"a/b"}},
		"v*.*":      {[]string{"v1.2", "v1.2.3"}, []string{"v1", "v1/2.3"}},
		"a?[b]":     {[]string{"a?[b]"}, []string{"axb", "ab"}},
		"ü*":        {[]string{"über"}, []string{"uber"}},
	} {
		rule := gitHubRule(func(t *credential.Trust) { t.Branch = pattern })
		for i, list := range [][]string{names.in, names.out} {
			for _, name := range list {
				if got := rule.Mismatch(gitHubJob(map[string]string{"ref": "refs/heads/" + name})) == ""; got != (i == 0) {
					t.Errorf("%s lets %s in: %t", pattern, name, got)
				}
			}
		}
	}
}

// TestO13_TrustChecks: what could let in more than anybody meant is no rule.
func TestO13_TrustChecks(t *testing.T) {
	t.Parallel()
	if err := gitHubRule(nil).Check(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		field  string
		change func(*credential.Trust)
	}{
		"no repository":            {"repository_id", func(t *credential.Trust) { t.Repository = "" }},
		"a name":                   {"repository_id", func(t *credential.Trust) { t.Repository = "acme/site" }},
		"another spelling":         {"repository_id", func(t *credential.Trust) { t.Repository = "0123" }},
		"an owner by name":         {"owner_id", func(t *credential.Trust) { t.Owner = "acme" }},
		"a whole ref":              {"branch", func(t *credential.Trust) { t.Branch = "refs/heads/main" }},
		"too many stars":           {"branch", func(t *credential.Trust) { t.Branch = strings.Repeat("a*", 9) }},
		"a line":                   {"tag", func(t *credential.Trust) { t.Tag = "v1\n" }},
		"a branch and pulls":       {"pull_requests", func(t *credential.Trust) { t.PullRequests = true }},
		"no provider":              {"provider", func(t *credential.Trust) { t.Provider = "" }},
		"an audience with a blank": {"audience", func(t *credential.Trust) { t.Audience = "a b" }},
		"a date":                   {"claims", func(t *credential.Trust) { t.Claims = map[string]string{"exp": "1"} }},
		"an empty claim":           {"claims", func(t *credential.Trust) { t.Claims = map[string]string{"sub": ""} }},
		"other with a repository":  {"repository_id", func(t *credential.Trust) { t.Provider, t.Branch = credential.OtherProvider, "" }},
		"other at GitHub": {"provider", func(t *credential.Trust) {
			*t = credential.Trust{Provider: credential.OtherProvider, Issuer: "https://token.actions.githubusercontent.com", Claims: map[string]string{"ref": "refs/heads/main"}}
		}},
		"other at GitLab": {"provider", func(t *credential.Trust) {
			*t = credential.Trust{Provider: credential.OtherProvider, Issuer: "https://gitlab.com", Claims: map[string]string{"ref": "main"}}
		}},
		"other without claims": {"claims", func(t *credential.Trust) { *t = credential.Trust{Provider: credential.OtherProvider} }},
	} {
		err := gitHubRule(c.change).Check()
		var e *credential.Error
		if !errors.As(err, &e) || e.Field != c.field {
			t.Errorf("%s: got %v, want %s to be refused", name, err, c.field)
		}
	}
}

// FuzzTrust: whatever a rule and a token say, a rule that is sound lets nothing
// in of another repository, nor a pull request into a branch.
func FuzzTrust(f *testing.F) {
	f.Add("123", "main", "123", "refs/heads/main", "push")
	f.Add("1", "**", "12", "refs/pull/1/merge", "pull_request_target")
	f.Add("7", "a*b*c", "7", "refs/heads/abbc", "")
	f.Fuzz(func(t *testing.T, repository, branch, claimed, ref, event string) {
		rule := gitHubRule(func(t *credential.Trust) { t.Repository, t.Branch = repository, branch })
		if rule.Check() != nil {
			return
		}
		claims := gitHubJob(map[string]string{"repository_id": claimed, "ref": ref, "event_name": event})
		why := rule.Mismatch(claims)
		if why == "" && (claimed != repository || strings.HasPrefix(event, "pull_request") || event == "") {
			t.Errorf("%+v lets %v in", rule, claims)
		}
		name, isBranch := strings.CutPrefix(ref, "refs/heads/")
		if why == "" && branch != "" && (!isBranch || !strings.Contains(branch, "*") && name != branch) {
			t.Errorf("%q lets %q in", branch, ref)
		}
		if exact := (&credential.Trust{Provider: credential.OtherProvider, Claims: map[string]string{"x": branch}}); exact.Check() == nil &&
			(exact.Mismatch(map[string]string{"x": ref}) == "") != (branch == ref) {
			t.Errorf("the claim %q lets %q in", branch, ref)
		}
	})
}
