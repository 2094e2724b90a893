package rest_test

import (
	"fmt"
	"testing"

	"github.com/gatehouse-dev/gatehouse/api"
)

const (
	projectPath = "/v1/organizations/{organization}/projects/{project}"
	runsPath    = projectPath + "/runs"
	testsPath   = projectPath + "/tests"
)

// runCalls are about the runs of a project: each has one of its own.
func runCalls() map[string]cell {
	results := api.ResultBatch{Results: []api.Result{{Name: "t", Status: "passed"}}}
	of := func(path string, body any) cell {
		return func(t testing.TB, w *world) shot {
			run := w.start(t, w.alpha, api.StartRun{Key: fmt.Sprint(w.clock.now().UnixNano())})
			up := w.project(w.alpha) + "/runs/" + run.ID
			w.must(t, "PUT", up+"/uploads/u", api.DeclareUpload{Digest: digest, Batches: 1}, nil)
			return shot{path: up + path, body: body}
		}
	}
	file := func(t testing.TB, w *world) shot {
		s := of("/files", nil)(t, w)
		kept, err := w.runs(w.alpha).AddFile(t.Context(), w.runID(t), "a.txt", []byte("text"))
		if err != nil {
			t.Fatal(err)
		}
		return shot{path: w.project(w.alpha) + "/runs/" + w.runID(t) + fmt.Sprint("/files/", kept.Items[0].Number), undo: s.undo}
	}
	test := func(path string) cell {
		return func(t testing.TB, w *world) shot {
			return shot{path: w.project(w.alpha) + "/tests/" + w.testID(t) + path}
		}
	}
	return map[string]cell{
		"POST " + runsPath: func(_ testing.TB, w *world) shot {
			return shot{path: w.project(w.alpha) + "/runs", body: api.StartRun{Key: fmt.Sprint(w.clock.now().UnixNano())}}
		},
		"GET " + runsPath:                                             fixed("/v1/organizations/ACME/projects/ALPHA/runs", nil),
		"GET " + runsPath + "/{run}":                                  of("", nil),
		"GET " + runsPath + "/{run}/results":                          of("/results", nil),
		"GET " + runsPath + "/{run}/changes":                          of("/changes", nil),
		"POST " + runsPath + "/{run}/files":                           of("/files", "{}"), // without any, which only who may learns
		"GET " + runsPath + "/{run}/files":                            of("/files", nil),
		"GET " + runsPath + "/{run}/files/{file}":                     file,
		"PUT " + runsPath + "/{run}/uploads/{upload}":                 of("/uploads/other", api.DeclareUpload{Digest: digest, Batches: 1}),
		"PUT " + runsPath + "/{run}/uploads/{upload}/batches/{batch}": of("/uploads/u/batches/1", results),
		"GET " + testsPath:                                            fixed("/v1/organizations/ACME/projects/ALPHA/tests", nil),
		"GET " + testsPath + "/{test}":                                test(""),
		"GET " + testsPath + "/{test}/results":                        test("/results"),
	}
}
