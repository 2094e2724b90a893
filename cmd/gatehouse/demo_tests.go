package main

import (
	"net/http"

	"github.com/gatehouse-dev/gatehouse/client"
)

// sampleCase is a test case of the demo.
type sampleCase struct {
	Title         string       `json:"title"`
	Preconditions string       `json:"preconditions,omitzero"`
	Priority      string       `json:"priority"`
	Type          string       `json:"type"`
	Status        string       `json:"status"`
	Folder        string       `json:"folder"`
	Labels        []string     `json:"labels"`
	Steps         []sampleStep `json:"steps,omitzero"`
}

type sampleStep struct {
	Action         string `json:"action"`
	ExpectedResult string `json:"expectedResult"`
}

// sampleCases are the test cases of the first project.
func sampleCases() []sampleCase {
	return []sampleCase{
		{"A player signs in", "An account that was verified", "critical", "functional", "ready", "Accounts", []string{"smoke"}, []sampleStep{
			{"Open the game and choose Sign in", "A form asks for address and password"}, {"Type both and confirm", "The hangar is shown, with the player's name"},
		}},
		{"A wrong password is refused", "", "high", "security", "ready", "Accounts", []string{"smoke"}, []sampleStep{{"Type a wrong password and confirm", "The form says that it is wrong, and nothing more"}}},
		{"A ship docks at full speed", "", "medium", "regression", "ready", "Flight", []string{"physics"}, []sampleStep{{"Fly at a station without braking", "The ship is stopped before the wall"}}},
		{"The game keeps its frame rate with 200 ships", "", "medium", "performance", "draft", "Flight", []string{"physics"}, nil},
	}
}

// makeTestCases makes test cases and a test cycle in the first project, as the
// holder of a token.
func (s *sampler) makeTestCases(c *client.Client) {
	call := func(method, path string, in any) {
		if s.err == nil {
			s.err = c.Call(s.ctx, method, "/api/v1/"+path+"?projectId=PRJ-1", in, nil)
		}
	}
	for _, tc := range sampleCases() {
		call(http.MethodPost, "test-cases", tc)
	}
	call(http.MethodPost, "test-cycles", map[string]any{"name": "Release 1.0", "status": "in_progress", "testCases": []string{"TC-1", "TC-2", "TC-3"}})
	for tc, status := range map[string]string{"TC-1": "Pass", "TC-3": "Fail"} {
		call(http.MethodPut, "test-cycles/TCYCLE-2/test-cases/"+tc, map[string]string{"status": status})
	}
}

// makeProduct says where the first project is tested, and what was built of it,
// as the holder of a key.
func (s *sampler) makeProduct(c *client.Client) {
	for path, in := range map[string]map[string]string{
		"environments": {"name": "Staging", "type": "staging"},
		"builds":       {"version": "0.9.1"},
		"releases":     {"name": "1.0", "status": "planned"},
	} {
		if s.err == nil {
			s.err = c.Call(s.ctx, http.MethodPost, "/api/membership/api/v1/products/space-game/"+path, in, nil)
		}
	}
}
