package report

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestVectorsOfCI holds what is found in the environments of real CI systems
// to what others find there.
func TestVectorsOfCI(t *testing.T) {
	files, err := filepath.Glob("testdata/ci-env/*.json")
	if err != nil || len(files) != 5 {
		t.Fatalf("vectors: %v, %v", files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var pairs [][2]map[string]string
		if err := json.Unmarshal(text, &pairs); err != nil || len(pairs) < 10 {
			t.Fatalf("%s: %d pairs, %v", file, len(pairs), err)
		}
		for i, pair := range pairs {
			env, want := pair[0], pair[1]
			getenv := func(name string) string {
				theirs := strings.NewReplacer("GATEHOUSE_GIT_COMMIT", "DD_GIT_COMMIT_SHA", "GATEHOUSE_GIT_REPOSITORY", "DD_GIT_REPOSITORY_URL",
					"GATEHOUSE_GIT_BRANCH", "DD_GIT_BRANCH").Replace(name)
				return env[theirs]
			}
			got := where(getenv)
			job := first(want["ci.job.name"], want["ci.job.id"])
			for _, field := range [][3]string{
				{"provider", got.Provider, want["ci.provider.name"]}, {"repository", got.Repository, want["git.repository_url"]},
				{"commit", got.commit, want["git.commit.sha"]}, {"branch", got.branch, want["git.branch"]}, {"tag", got.Tag, want["git.tag"]},
				{"pull request", got.PullRequest, want["pr.number"]}, {"pipeline", got.Pipeline, want["ci.pipeline.id"]},
				{"number", got.number, want["ci.pipeline.number"]}, {"title", got.title, want["ci.pipeline.name"]},
				{"pipeline's address", got.PipelineURL, want["ci.pipeline.url"]}, {"job", got.Job, job}, {"job's address", got.JobURL, want["ci.job.url"]},
			} {
				if field[1] != field[2] {
					t.Errorf("%s, pair %d: %s is %q, want %q", filepath.Base(file), i, field[0], field[1], field[2])
				}
			}
		}
	}
}

// TestOtherCI wants every other CI system to be found by what it says.
func TestOtherCI(t *testing.T) {
	for _, row := range []struct {
		env  string // NAME=value, apart by blanks
		want place
	}{
		{"", place{}},
		{"CI=true", at("ci", "", "", "")},
		{"BITBUCKET_COMMIT=c0 BITBUCKET_BRANCH=main BITBUCKET_PIPELINE_UUID={7-8}", at("bitbucket", "7-8", "c0", "main")},
		{"BUILDKITE=true BUILDKITE_COMMIT=c0 BUILDKITE_BRANCH=main BUILDKITE_BUILD_ID=b1 BUILDKITE_PULL_REQUEST=false", at("buildkite", "b1", "c0", "main")},
		{"TRAVIS=true TRAVIS_COMMIT=c0 TRAVIS_BRANCH=main TRAVIS_BUILD_ID=7", at("travisci", "7", "c0", "main")},
		{"TEAMCITY_VERSION=2026 TEAMCITY_PROJECT_NAME=a TEAMCITY_BUILDCONF_NAME=b BUILD_NUMBER=3 BUILD_VCS_NUMBER=c0", at("teamcity", "a/b/3", "c0", "")},
		{"APPVEYOR=True APPVEYOR_REPO_COMMIT=c0 APPVEYOR_REPO_BRANCH=main APPVEYOR_BUILD_ID=7", at("appveyor", "7", "c0", "main")},
		{"DRONE=true DRONE_COMMIT_SHA=c0 DRONE_BRANCH=main DRONE_BUILD_NUMBER=7 CI=true", at("drone", "7", "c0", "main")},
		{"CI=woodpecker CI_COMMIT_SHA=c0 CI_COMMIT_BRANCH=main CI_PIPELINE_NUMBER=7", at("woodpecker", "7", "c0", "main")},
		{"BITRISE_BUILD_SLUG=s1 BITRISE_GIT_COMMIT=c0 BITRISE_GIT_BRANCH=main", at("bitrise", "s1", "c0", "main")},
		{"SEMAPHORE=true SEMAPHORE_GIT_SHA=c0 SEMAPHORE_GIT_BRANCH=main SEMAPHORE_PIPELINE_ID=p1", at("semaphore", "p1", "c0", "main")},
		{"CODEBUILD_BUILD_ID=b1 CODEBUILD_RESOLVED_SOURCE_VERSION=c0 CODEBUILD_WEBHOOK_HEAD_REF=refs/heads/main", at("awscodebuild", "b1", "c0", "main")},
		{"BUILDER_OUTPUT=/out BUILD_ID=b1 COMMIT_SHA=c0 BRANCH_NAME=main", at("googlecloudbuild", "b1", "c0", "main")},
		{"CF_BUILD_ID=b1 CF_REVISION=c0 CF_BRANCH=main", at("codefresh", "b1", "c0", "main")},
		{"BUDDY=true BUDDY_PIPELINE_ID=1 BUDDY_EXECUTION_ID=2 BUDDY_EXECUTION_REVISION=c0 BUDDY_EXECUTION_BRANCH=main", at("buddy", "1/2", "c0", "main")},
		{"GITLAB_CI=true CI_COMMIT_SHA=c0 CI_COMMIT_REF_NAME=v1 CI_COMMIT_TAG=v1 CI_PIPELINE_ID=7", at("gitlab", "7", "c0", "")},
		{"GITHUB_ACTIONS=true GITHUB_SHA=c0 GITHUB_REF=refs/pull/42/merge GITHUB_RUN_ID=7", at("github", "7", "c0", "")},
		{"CI=true GATEHOUSE_GIT_COMMIT=c0 GATEHOUSE_GIT_BRANCH=main GATEHOUSE_CI_PIPELINE=7", at("ci", "7", "c0", "main")},
	} {
		env := map[string]string{}
		for pair := range strings.FieldsSeq(row.env) {
			name, value, _ := strings.Cut(pair, "=")
			env[name] = value
		}
		got := where(func(name string) string { return env[name] })
		if got.Provider != row.want.Provider || got.Pipeline != row.want.Pipeline || got.commit != row.want.commit || got.branch != row.want.branch {
			t.Errorf("%s: found %+v, want %+v", row.env, got, row.want)
		}
	}
}

func at(provider, pipeline, commit, branch string) (p place) {
	p.Provider, p.Pipeline, p.commit, p.branch = provider, pipeline, commit, branch
	return p
}
