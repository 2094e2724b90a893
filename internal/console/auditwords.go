package console

import (
	"encoding/json"
	"fmt"
	"strings"
)

// sentences say what an action is, for people. {name} is what the detail has
// under that name; a part in square brackets is there where all of its names are.
var sentences = map[string]string{
	"build.set":                  "Said what a build is",
	"campaign_issue.create":      "Reported an issue of a beta test",
	"campaign_issue.delete":      "Deleted an issue of a beta test",
	"campaign_issue.update":      "Changed an issue of a beta test",
	"device.allow":               "Let a device act for them[: “{name}”]",
	"device.deny":                "Said no to a device[: “{name}”]",
	"device.fetch":               "A device got its token[: “{name}”]",
	"environment.set":            "Said what an environment is",
	"release.set":                "Said what a release is",
	"tester.accept":              "Accepted a tester",
	"tester.add":                 "Added a tester",
	"tester.complete":            "Noted that a tester is done",
	"tester.remove":              "Removed a tester",
	"budget.alert":               "Told that a budget runs out",
	"budget.remove":              "Took a budget away",
	"budget.set":                 "Set a budget[ of {coins} coins]",
	"budget.top_up":              "Topped a budget up[ by {coins} coins]",
	"campaign.create":            "Created a beta test",
	"campaign.stage":             "Moved a beta test on",
	"campaign.update":            "Changed a beta test",
	"client.set_keys":            "Set the public keys of a client",
	"comment.create":             "Wrote a comment",
	"console.code":               "Got a code for the console",
	"console.sign_in":            "Signed in to the console",
	"console.sign_in_fail":       "Tried a wrong code for the console",
	"console.sign_out":           "Signed out of the console",
	"credential.end_predecessor": "Ended the value from before a rotation",
	"credential.exposed":         "A working secret stood in test results",
	"credential.import":          "Imported the credential[ “{name}”]",
	"credential.issue":           "Made the credential[ “{name}”]",
	"credential.reissue":         "Made a value anew whose answer was lost",
	"credential.resume":          "Resumed the credential[ “{name}”]",
	"credential.revoke":          "Revoked the credential[ “{name}”][, because of {because}]",
	"credential.rotate":          "Rotated the credential[ “{name}”]",
	"credential.suspend":         "Suspended the credential[ “{name}”]",
	"credential.suspend_unused":  "Suspended what nobody used[: “{name}”]",
	"credential.update":          "Changed the credential[ “{name}”]",
	"installation.setup":         "Set the installation up",
	"invitation.accept":          "Accepted an invitation",
	"invitation.create":          "Invited somebody[ as {role}]",
	"invitation.withdraw":        "Withdrew an invitation",
	"issue.create":               "Reported an issue",
	"issue.resolve":              "Resolved an issue",
	"issue.update":               "Changed an issue",
	"member.add":                 "Added a member[ as {role}]",
	"member.remove":              "Removed a member",
	"member.set_role":            "Made a member {role}",
	"organization.create":        "Created the organization[ “{name}”]",
	"organization.delete":        "Deleted the organization[ “{name}”]",
	"organization.resume":        "Resumed the organization",
	"organization.set_limits":    "Changed how many requests the organization makes",
	"organization.suspend":       "Suspended the organization",
	"organization.update":        "Changed what is said of the organization",
	"policy.update":              "Changed the policies",
	"project.archive":            "Archived a project",
	"project.create":             "Created the project[ “{name}”]",
	"project.delete":             "Deleted the project[ “{name}”]",
	"project.restore":            "Put a project back in service",
	"project.set_limits":         "Changed how many requests a project makes",
	"project.set_member":         "Changed who is in a project[: {role}]",
	"project.update":             "Changed what is said of a project",
	"session.begin":              "Signed in",
	"session.end":                "A session ended",
	"session.prove":              "Proved again who they are",
	"session.prove_fail":         "Failed to prove again who they are",
	"session.sign_out":           "Signed out",
	"test_case.create":           "Wrote a test case",
	"test_case.delete":           "Deleted a test case",
	"test_case.update":           "Changed a test case",
	"test_cycle.create":          "Created a test cycle",
	"test_cycle.delete":          "Deleted a test cycle",
	"test_cycle.update":          "Changed a test cycle",
	"test_result.report":         "Reported test results",
	"test_result.set":            "Set the result of a test",
	"token.revoke":               "Ended an access token",
	"trust_rule.admit":           "A CI job was let in",
	"trust_rule.turn_away":       "A CI job was turned away[, because of {reason}]",
	"two_factor.disable":         "Turned the second factor off",
	"two_factor.enable":          "Turned the second factor on",
	"user.delete":                "An account was deleted",
	"webhook.create":             "Registered a webhook[ at {host}]",
	"webhook.delete":             "Deleted a webhook",
	"webhook.disable":            "A webhook was turned off[: {because}]",
	"webhook.redeliver":          "Sent a webhook’s delivery again",
	"webhook.rotate":             "Rotated the secret of a webhook",
	"webhook.test":               "Tested a webhook",
	"webhook.update":             "Changed a webhook[ at {host}]",
}

// sentenceOf says what was done. An action that has no sentence is said by its
// own words.
func sentenceOf(action, detail string) string {
	text, known := sentences[action]
	if !known {
		noun, verb, _ := strings.Cut(action, ".")
		return titled(strings.ReplaceAll(noun, "_", " ")) + ": " + strings.ReplaceAll(verb, "_", " ")
	}
	var all map[string]any
	_ = json.Unmarshal([]byte(detail), &all) // what can't be read names nothing
	var out strings.Builder
	for text != "" {
		before, rest, found := strings.Cut(text, "[")
		filled, _ := fillIn(before, all)
		out.WriteString(filled)
		if !found {
			break
		}
		part, after, _ := strings.Cut(rest, "]")
		if filled, whole := fillIn(part, all); whole {
			out.WriteString(filled)
		}
		text = after
	}
	return out.String()
}

// fillIn writes what a detail has into a text, and reports whether it had all of it.
func fillIn(text string, all map[string]any) (string, bool) {
	whole := true
	for {
		before, rest, found := strings.Cut(text, "{")
		name, after, closed := strings.Cut(rest, "}")
		if !found || !closed {
			return text, whole
		}
		value, there := all[name]
		said := "?"
		if there && value != nil && value != "" {
			said = strings.NewReplacer("{", "(", "}", ")").Replace(fmt.Sprint(value))
		} else {
			whole = false
		}
		text = before + said + after
	}
}
