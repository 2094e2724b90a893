package report

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/api"
)

// mostOfKey bounds the names of a run, in characters.
const mostOfKey = 200

// key names the run: whoever reports the same, or from the same job of the same
// pipeline, reports to the same run.
func (j *job) key(digest string) string {
	if j.Key != "" {
		return j.Key
	}
	provider, parts := first(j.at.Provider, "ci"), []string{j.at.Repository, j.at.Pipeline, strconv.Itoa(max(1, j.at.Attempt)), first(j.at.job, j.at.Job)}
	if j.at.Pipeline == "" {
		provider, parts = "sha256", []string{digest, j.Build, j.Commit, j.Branch, j.SkippedAs}
	}
	parts = append(parts, j.Name, j.Cycle)
	key := strings.Join(append([]string{provider}, slices.DeleteFunc(slices.Clone(parts), func(p string) bool { return p == "" })...), " ")
	if j.at.Pipeline == "" || len([]rune(key)) > mostOfKey {
		sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
		return provider + ":" + hex.EncodeToString(sum[:])
	}
	return key
}

// upload names what is uploaded in its run.
func (j *job) upload(digest string) string {
	const most = 32
	if j.Shard != "" {
		return fmt.Sprintf("shard-%d-of-%d", j.shard, j.shards)
	}
	return digest[:most]
}

// startRun says which run is begun, or found.
func (j *job) startRun(r *reading) api.StartRun {
	in := api.StartRun{
		Key: j.key(r.digest), Name: first(j.Name, j.title()), Cycle: j.Cycle, Build: first(j.Build, j.at.number), Commit: first(j.Commit, j.at.commit),
		Branch: first(j.Branch, j.at.branch), SkippedAs: j.SkippedAs, Shards: j.shards,
	}
	if j.SkippedAs == "ignore" {
		in.SkippedAs = "ignored"
	}
	if j.at.CI != (api.CI{}) {
		ci := j.at.CI
		in.CI = &ci
	}
	return in
}

// title is what a run is called that nobody gave a name: as its pipeline and
// its job, so that it is compared with those before.
func (j *job) title() string {
	title := strings.Trim(j.at.title+" / "+j.at.job, " /")
	return plain(first(title, "local"), mostOfKey-1)
}
