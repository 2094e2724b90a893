package workspace

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// apply checks what is asked for and says it of a test case.
func (r *CaseRequest) apply(c *store.CaseContent) (err error) {
	if r.Title != nil {
		if c.Title, err = credential.CheckText("title", *r.Title, mostCaseTitle); err != nil {
			return err
		}
	}
	if r.Folder != nil {
		if c.Folder, err = folderPath(*r.Folder); err != nil {
			return err
		}
	}
	for _, text := range []struct {
		field    string
		from, to *string
		most     int
	}{{"description", r.Description, &c.Description, mostCaseText}, {"preconditions", r.Preconditions, &c.Preconditions, mostCaseText},
		{"component", r.Component, &c.Component, mostComponent}, {"owner", r.Owner, &c.Owner, mostOwner}} {
		if text.from != nil {
			if *text.to, err = credential.CheckProse(text.field, *text.from, text.most); err != nil {
				return err
			}
		}
	}
	if err := r.applyChoices(c); err != nil {
		return err
	}
	return r.applyLists(c)
}

// applyChoices is the part of apply about words that are given.
func (r *CaseRequest) applyChoices(c *store.CaseContent) (err error) {
	if r.Priority != nil {
		if c.Priority, err = PriorityOf(*r.Priority); err != nil {
			return err
		}
	}
	for _, choice := range []struct {
		field    string
		from, to *string
		of       []string
	}{{"type", r.Type, &c.Type, caseTypes}, {"status", r.Status, &c.Status, caseStatuses}, {"test_type", r.TestType, &c.TestType, testTypes},
		{"execution_type", r.ExecutionType, &c.ExecutionType, executionTypes}, {"automation_status", r.AutomationStatus, &c.AutomationStatus, automation}} {
		if choice.from != nil {
			if *choice.to, err = oneOf(choice.field, strings.ToLower(*choice.from), choice.of); err != nil {
				return err
			}
		}
	}
	if r.TestType != nil && r.ExecutionType == nil {
		c.ExecutionType = "manual"
		if c.TestType == "automated" {
			c.ExecutionType = "automated"
		}
	}
	if r.AutomationStatus == nil && (r.TestType != nil || r.ExecutionType != nil) {
		switch automated := c.ExecutionType == "automated"; {
		case automated:
			c.AutomationStatus = "automated"
		case c.AutomationStatus == "automated":
			c.AutomationStatus = "not_automated"
		}
	}
	return nil
}

// applyLists is the part of apply about lists.
func (r *CaseRequest) applyLists(c *store.CaseContent) (err error) {
	if r.Labels != nil {
		if c.Labels, err = texts("labels", *r.Labels, span{mostLabels, mostLabel}); err != nil {
			return err
		}
	}
	if r.References != nil {
		if c.References, err = texts("automationRefs", *r.References, span{mostReferences, mostReference}); err != nil {
			return err
		}
	}
	if r.Custom != nil {
		if err := checkFields("customFields", r.Custom); err != nil {
			return err
		}
		c.Custom = r.Custom
	}
	if r.Steps != nil {
		c.Steps, err = steps(*r.Steps)
	}
	return err
}

// PriorityOf returns the place of a priority among the others.
func PriorityOf(word string) (int, error) {
	word, err := oneOf("priority", strings.ToLower(word), casePriorities)
	return slices.Index(casePriorities, word), err
}

// PriorityWord is what people call a priority.
func PriorityWord(priority int) string {
	if priority < 0 || priority >= len(casePriorities) {
		return ""
	}
	return casePriorities[priority]
}

// folderPath checks a path of folders; empty for none.
func folderPath(path string) (string, error) {
	if path = strings.Trim(strings.TrimSpace(path), "/"); path == "" {
		return "", nil
	}
	names := strings.Split(path, "/")
	for i, name := range names {
		var err error
		if names[i], err = credential.CheckText("folder", name, mostFolder); err != nil {
			return "", credential.InvalidField("folder", "a path is names with / between them, such as Login/Errors")
		}
	}
	return credential.CheckText("folder", strings.Join(names, "/"), mostFolder)
}

// span is how many texts there may be, and how long each.
type span struct{ most, long int }

// texts checks a list of texts, sorts it and drops what is in it twice.
func texts(field string, list []string, s span) ([]string, error) {
	if len(list) > s.most {
		return nil, credential.InvalidField(field, "at most %d", s.most)
	}
	out := make([]string, len(list))
	for i, text := range list {
		var err error
		if out[i], err = credential.CheckText(field, text, s.long); err != nil {
			return nil, err
		}
	}
	slices.Sort(out)
	return slices.Compact(out), nil
}

// steps checks the steps of a test case.
func steps(list []store.TestStep) ([]store.TestStep, error) {
	if len(list) > mostCaseSteps {
		return nil, credential.InvalidField("steps", "at most %d", mostCaseSteps)
	}
	out, long := make([]store.TestStep, len(list)), 0
	for i, s := range list {
		field := fmt.Sprintf("steps.%d.", i)
		action, err := credential.CheckProse(field+"action", s.Action, mostStepText)
		if err == nil && action == "" {
			err = credential.InvalidField(field+"action", "say what is to be done")
		}
		if err != nil {
			return nil, err
		}
		expected, err := credential.CheckProse(field+"expectedResult", s.ExpectedResult, mostStepText)
		if err != nil {
			return nil, err
		}
		data, err := credential.CheckProse(field+"data", s.Data, mostStepText)
		if err != nil {
			return nil, err
		}
		out[i] = store.TestStep{Action: action, ExpectedResult: expected, Data: data}
		if len(s.Attachments) > 0 {
			if out[i].Attachments, err = texts(field+"attachments", s.Attachments, span{mostAttached, mostAttachment}); err != nil {
				return nil, err
			}
		}
		for _, text := range append([]string{action, expected, data}, out[i].Attachments...) {
			long += utf8.RuneCountInString(text)
		}
	}
	if long > mostStepsText {
		return nil, credential.InvalidField("steps", "at most %d characters in all", mostStepsText)
	}
	return out, nil
}
