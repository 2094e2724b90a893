package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/client"
)

// sampleRun is a run of the demo: what was tested, and how each of its tests
// went, by a letter in their order.
type sampleRun struct{ branch, commit, went string }

// sampleRuns are the runs of the first project, the oldest first. A test is
// flaky on main, and the last run breaks another one.
func sampleRuns() []sampleRun {
	const main, other = "main", "docking-rewrite"
	return []sampleRun{
		{main, "6f1c2a9be0d4", "ppppppppfpps"}, {main, "a04d81e57c33", "ppppppppfpps"}, {main, "a04d81e57c33", "pppppfppfpps"},
		{other, "e91b03f6a2d7", "ppppeepppfps"}, {main, "39c7f0d2b618", "ppppppppPpps"}, {other, "70d2c4b8f19a", "ppppefppppps"},
		{main, "d58e6b12c0f4", "pppppPpppppp"}, {other, "1b6fa97e03d5", "pppppppppfpp"}, {main, "c2079a4d8e61", "pppppppppfpp"},
		{other, "f4830be7d92c", "pppppppppppp"}, {main, "82ad5f3c1e70", "ppfpppppppfp"},
	}
}

// sampleTests are the tests of those runs.
func sampleTests() []api.Result {
	return []api.Result{
		{Class: "game.AccountTest", Name: "a player signs in", DurationMs: 212},
		{Class: "game.AccountTest", Name: "a wrong password is refused", DurationMs: 148},
		{Class: "game.SaveTest", Name: "a game of version 0.9 is loaded", DurationMs: 487, Message: "expected 12 ships in the hangar, got 11",
			Detail: "at game.SaveTest.loads(SaveTest.kt:58)\nat game.Hangar.restore(Hangar.kt:204)\nCaused by: game.SaveError: ship 7 has no engine"},
		{Class: "game.SaveTest", Name: "a save is written while the menu is open", DurationMs: 95},
		{Class: "game.FlightTest", Name: "a ship docks at full speed", DurationMs: 640, Message: "NullPointerException: station is null", Detail: "at game.Docking.approach(Docking.kt:91)\nat game.FlightTest.docks(FlightTest.kt:33)"},
		{Class: "game.FlightTest", Name: "a ship docks while another leaves", DurationMs: 1_310, Message: "timed out after 1000 ms waiting for bay 3", Detail: "at game.Bay.await(Bay.kt:77)\nat game.FlightTest.twoShips(FlightTest.kt:61)"},
		{Class: "game.FlightTest", Name: "an asteroid stops a shot", DurationMs: 77},
		{Class: "game.FlightTest", Name: "the autopilot avoids a moon", DurationMs: 820},
		{Class: "game.LandingTest", Name: "a ship stands on the landing pad of level 2", DurationMs: 530, Message: "expected height 0.0, got -3.2 after 10 s", Detail: "at game.LandingTest.stands(LandingTest.kt:44)"},
		{Class: "game.MapTest", Name: "the map is drawn in dark colours", DurationMs: 260, Message: "expected contrast of at least 4.5, got 3.9", Detail: "at game.MapTest.contrast(MapTest.kt:27)"},
		{Class: "game.MapTest", Name: "the map shows what was visited", DurationMs: 180, Message: "expected 12 systems on the map, got 11", Detail: "at game.MapTest.visited(MapTest.kt:51)"},
		{Class: "game.LoadTest", Name: "the game keeps its frame rate with 200 ships", DurationMs: 4_870},
	}
}

// makeRuns reports the runs of the first project, as its pipeline would.
func (s *sampler) makeRuns(runs client.Runs) {
	words := map[rune]string{'p': "passed", 'P': "passed", 'f': "failed", 'e': "error", 's': "skipped"}
	for i, r := range sampleRuns() {
		number := 401 + 3*i
		results := sampleTests()
		for t, letter := range r.went {
			x := &results[t]
			if x.Status, x.Flaky = words[letter], letter == 'P'; x.Status == "passed" {
				x.Message, x.Detail = "", ""
			}
			x.DurationMs += int64((i*37 + t*11) % 90)
		}
		if s.err == nil {
			s.err = s.report(runs, api.StartRun{Key: fmt.Sprint("demo ", number), Name: "Build and test", Branch: r.branch, Commit: r.commit,
				CI: &api.CI{Provider: "github", Pipeline: fmt.Sprint(number), PipelineURL: fmt.Sprintf("https://ci.demo.test/space-game/actions/runs/%d", number), Job: "test"}}, results)
		}
	}
}

// report stores a whole run.
func (s *sampler) report(runs client.Runs, in api.StartRun, results []api.Result) error {
	run, err := runs.Start(s.ctx, in)
	if err != nil {
		return err
	}
	digest := sha256.Sum256([]byte(in.Key))
	if _, err := runs.Declare(s.ctx, run.ID, "all", api.DeclareUpload{Digest: hex.EncodeToString(digest[:]), Batches: 1}); err != nil {
		return err
	}
	_, err = runs.Store(s.ctx, run.ID, "all", 1, api.ResultBatch{Results: results})
	return err
}
