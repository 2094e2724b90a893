package report

import (
	"regexp"
	"strconv"
	"strings"

	"github.com/gatehouse-dev/gatehouse/api"
)

// provider is a CI system: by which variable it is known, and which of them
// says what. A value is alternatives apart by |, of which the first that has
// one counts; in braces stand variables, and an alternative without braces is
// the name of one. A variable that isn't set leaves its alternative out.
type provider struct {
	name, known                  string
	commit, branch, tag, request string
	repository                   string
	pipeline, number, title, url string // of the pipeline: its id, its number, its name, its address
	job, jobID, jobURL           string // job is the same in all parallel copies of a job where there is such a name
	attempt                      string
}

// providers are those that are known, the most particular ones first.
var providers = []provider{
	{
		name: "github", known: "GITHUB_ACTIONS|GITHUB_ACTION",
		commit: "GITHUB_SHA", branch: "GITHUB_HEAD_REF|GITHUB_REF", tag: "", request: "",
		repository: "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}.git",
		pipeline:   "GITHUB_RUN_ID", number: "GITHUB_RUN_NUMBER", title: "GITHUB_WORKFLOW",
		url: "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}/attempts/{GITHUB_RUN_ATTEMPT}|" +
			"{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}",
		job: "GITHUB_JOB", jobID: "JOB_CHECK_RUN_ID",
		jobURL:  "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}/job/{JOB_CHECK_RUN_ID}",
		attempt: "GITHUB_RUN_ATTEMPT",
	},
	{
		name: "woodpecker", known: "CI_SYSTEM_NAME=woodpecker|CI=woodpecker",
		commit: "CI_COMMIT_SHA", branch: "CI_COMMIT_SOURCE_BRANCH|CI_COMMIT_BRANCH", tag: "CI_COMMIT_TAG", request: "CI_COMMIT_PULL_REQUEST",
		repository: "CI_REPO_CLONE_URL|CI_REPO_URL",
		pipeline:   "CI_PIPELINE_NUMBER", number: "CI_PIPELINE_NUMBER", title: "CI_REPO", url: "CI_PIPELINE_URL", job: "CI_WORKFLOW_NAME",
	},
	{
		name: "gitlab", known: "GITLAB_CI",
		commit: "CI_COMMIT_SHA", branch: "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME|CI_COMMIT_REF_NAME", tag: "CI_COMMIT_TAG", request: "CI_MERGE_REQUEST_IID",
		repository: "CI_REPOSITORY_URL",
		pipeline:   "CI_PIPELINE_ID", number: "CI_PIPELINE_IID", title: "CI_PROJECT_PATH", url: "CI_PIPELINE_URL",
		job: "CI_JOB_NAME", jobID: "CI_JOB_ID", jobURL: "CI_JOB_URL",
	},
	{
		name: "azurepipelines", known: "TF_BUILD",
		commit:     "SYSTEM_PULLREQUEST_SOURCECOMMITID|BUILD_SOURCEVERSION",
		branch:     "SYSTEM_PULLREQUEST_SOURCEBRANCH|BUILD_SOURCEBRANCH",
		request:    "SYSTEM_PULLREQUEST_PULLREQUESTNUMBER|SYSTEM_PULLREQUEST_PULLREQUESTID",
		repository: "SYSTEM_PULLREQUEST_SOURCEREPOSITORYURI|BUILD_REPOSITORY_URI",
		pipeline:   "BUILD_BUILDID", number: "BUILD_BUILDID", title: "BUILD_DEFINITIONNAME",
		url: "{SYSTEM_TEAMFOUNDATIONSERVERURI}{SYSTEM_TEAMPROJECTID}/_build/results?buildId={BUILD_BUILDID}",
		job: "SYSTEM_PHASENAME", jobID: "SYSTEM_JOBID",
		jobURL: "{SYSTEM_TEAMFOUNDATIONSERVERURI}{SYSTEM_TEAMPROJECTID}/_build/results?buildId={BUILD_BUILDID}" +
			"&view=logs&j={SYSTEM_JOBID}&t={SYSTEM_TASKINSTANCEID}",
		attempt: "SYSTEM_JOBATTEMPT",
	},
	{
		name: "circleci", known: "CIRCLECI",
		commit: "CIRCLE_SHA1", branch: "CIRCLE_BRANCH", tag: "CIRCLE_TAG", request: "CIRCLE_PR_NUMBER|CIRCLE_PULL_REQUEST",
		repository: "CIRCLE_REPOSITORY_URL",
		pipeline:   "CIRCLE_WORKFLOW_ID", title: "CIRCLE_PROJECT_REPONAME", url: "https://app.circleci.com/pipelines/workflows/{CIRCLE_WORKFLOW_ID}",
		job: "CIRCLE_JOB", jobID: "CIRCLE_BUILD_NUM", jobURL: "CIRCLE_BUILD_URL",
	},
	{
		name: "jenkins", known: "JENKINS_URL",
		commit: "GIT_COMMIT", branch: "CHANGE_BRANCH|GIT_BRANCH|BRANCH_NAME", tag: "TAG_NAME", request: "CHANGE_ID",
		repository: "GIT_URL|GIT_URL_1",
		pipeline:   "BUILD_TAG", number: "BUILD_NUMBER", title: "JOB_NAME", url: "BUILD_URL",
	},
	{
		name: "bitbucket", known: "BITBUCKET_COMMIT|BITBUCKET_BUILD_NUMBER",
		commit: "BITBUCKET_COMMIT", branch: "BITBUCKET_BRANCH", tag: "BITBUCKET_TAG", request: "BITBUCKET_PR_ID",
		repository: "BITBUCKET_GIT_HTTP_ORIGIN|BITBUCKET_GIT_SSH_ORIGIN",
		pipeline:   "BITBUCKET_PIPELINE_UUID|BITBUCKET_BUILD_NUMBER", number: "BITBUCKET_BUILD_NUMBER", title: "BITBUCKET_REPO_FULL_NAME",
		url: "https://bitbucket.org/{BITBUCKET_REPO_FULL_NAME}/addon/pipelines/home#!/results/{BITBUCKET_BUILD_NUMBER}",
	},
	{
		name: "buildkite", known: "BUILDKITE",
		commit: "BUILDKITE_COMMIT", branch: "BUILDKITE_BRANCH", tag: "BUILDKITE_TAG", request: "BUILDKITE_PULL_REQUEST",
		repository: "BUILDKITE_REPO",
		pipeline:   "BUILDKITE_BUILD_ID", number: "BUILDKITE_BUILD_NUMBER", title: "BUILDKITE_PIPELINE_SLUG", url: "BUILDKITE_BUILD_URL",
		job: "BUILDKITE_STEP_KEY|BUILDKITE_STEP_ID", jobID: "BUILDKITE_JOB_ID", jobURL: "{BUILDKITE_BUILD_URL}#{BUILDKITE_JOB_ID}",
	},
	{
		name: "travisci", known: "TRAVIS",
		commit: "TRAVIS_PULL_REQUEST_SHA|TRAVIS_COMMIT", branch: "TRAVIS_PULL_REQUEST_BRANCH|TRAVIS_BRANCH", tag: "TRAVIS_TAG", request: "TRAVIS_PULL_REQUEST",
		repository: "https://github.com/{TRAVIS_REPO_SLUG}.git",
		pipeline:   "TRAVIS_BUILD_ID", number: "TRAVIS_BUILD_NUMBER", title: "TRAVIS_REPO_SLUG", url: "TRAVIS_BUILD_WEB_URL",
		job: "TRAVIS_JOB_NAME", jobID: "TRAVIS_JOB_ID", jobURL: "TRAVIS_JOB_WEB_URL",
	},
	{
		name: "teamcity", known: "TEAMCITY_VERSION",
		commit: "BUILD_VCS_NUMBER", branch: "TEAMCITY_BUILD_BRANCH", repository: "BUILD_VCS_URL",
		pipeline: "{TEAMCITY_PROJECT_NAME}/{TEAMCITY_BUILDCONF_NAME}/{BUILD_NUMBER}", number: "BUILD_NUMBER",
		title: "TEAMCITY_BUILDCONF_NAME", url: "BUILD_URL",
	},
	{
		name: "appveyor", known: "APPVEYOR",
		commit: "APPVEYOR_PULL_REQUEST_HEAD_COMMIT|APPVEYOR_REPO_COMMIT", branch: "APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH|APPVEYOR_REPO_BRANCH",
		tag: "APPVEYOR_REPO_TAG_NAME", request: "APPVEYOR_PULL_REQUEST_NUMBER", repository: "https://github.com/{APPVEYOR_REPO_NAME}.git",
		pipeline: "APPVEYOR_BUILD_ID", number: "APPVEYOR_BUILD_NUMBER", title: "APPVEYOR_REPO_NAME",
		url: "{APPVEYOR_URL}/project/{APPVEYOR_ACCOUNT_NAME}/{APPVEYOR_PROJECT_SLUG}/builds/{APPVEYOR_BUILD_ID}",
		job: "APPVEYOR_JOB_NAME", jobID: "APPVEYOR_JOB_ID",
	},
	{
		name: "drone", known: "DRONE",
		commit: "DRONE_COMMIT_SHA", branch: "DRONE_SOURCE_BRANCH|DRONE_BRANCH", tag: "DRONE_TAG", request: "DRONE_PULL_REQUEST",
		repository: "DRONE_GIT_HTTP_URL|DRONE_REMOTE_URL",
		pipeline:   "DRONE_BUILD_NUMBER", number: "DRONE_BUILD_NUMBER", title: "DRONE_REPO", url: "DRONE_BUILD_LINK", job: "DRONE_STAGE_NAME",
	},
	{
		name: "bitrise", known: "BITRISE_BUILD_SLUG",
		commit: "BITRISE_GIT_COMMIT|GIT_CLONE_COMMIT_HASH", branch: "BITRISE_GIT_BRANCH", tag: "BITRISE_GIT_TAG", request: "BITRISE_PULL_REQUEST",
		repository: "GIT_REPOSITORY_URL",
		pipeline:   "BITRISE_BUILD_SLUG", number: "BITRISE_BUILD_NUMBER", title: "BITRISE_TRIGGERED_WORKFLOW_ID", url: "BITRISE_BUILD_URL",
	},
	{
		name: "semaphore", known: "SEMAPHORE",
		commit: "SEMAPHORE_GIT_PR_SHA|SEMAPHORE_GIT_SHA", branch: "SEMAPHORE_GIT_PR_BRANCH|SEMAPHORE_GIT_BRANCH", tag: "SEMAPHORE_GIT_TAG_NAME",
		request: "SEMAPHORE_GIT_PR_NUMBER", repository: "SEMAPHORE_GIT_URL",
		pipeline: "SEMAPHORE_PIPELINE_ID|SEMAPHORE_WORKFLOW_ID", number: "SEMAPHORE_WORKFLOW_NUMBER", title: "SEMAPHORE_PROJECT_NAME",
		url: "{SEMAPHORE_ORGANIZATION_URL}/workflows/{SEMAPHORE_WORKFLOW_ID}", job: "SEMAPHORE_JOB_NAME", jobID: "SEMAPHORE_JOB_ID",
		jobURL: "{SEMAPHORE_ORGANIZATION_URL}/jobs/{SEMAPHORE_JOB_ID}",
	},
	{
		name: "awscodebuild", known: "CODEBUILD_BUILD_ID",
		commit: "CODEBUILD_RESOLVED_SOURCE_VERSION", branch: "CODEBUILD_WEBHOOK_HEAD_REF", repository: "CODEBUILD_SOURCE_REPO_URL",
		pipeline: "CODEBUILD_BUILD_ARN|CODEBUILD_BUILD_ID", number: "CODEBUILD_BUILD_NUMBER", url: "CODEBUILD_PUBLIC_BUILD_URL|CODEBUILD_BUILD_URL",
	},
	{
		name: "googlecloudbuild", known: "BUILDER_OUTPUT", // all else is there where the build hands it on
		commit: "COMMIT_SHA|REVISION_ID", branch: "_HEAD_BRANCH|BRANCH_NAME", tag: "TAG_NAME", request: "_PR_NUMBER", repository: "_HEAD_REPO_URL",
		pipeline: "BUILD_ID", title: "TRIGGER_NAME", url: "https://console.cloud.google.com/cloud-build/builds/{BUILD_ID}?project={PROJECT_ID}",
	},
	{
		name: "codefresh", known: "CF_BUILD_ID",
		commit: "CF_REVISION", branch: "CF_BRANCH", tag: "CF_RELEASE_TAG", request: "CF_PULL_REQUEST_NUMBER",
		repository: "https://github.com/{CF_REPO_OWNER}/{CF_REPO_NAME}.git",
		pipeline:   "CF_BUILD_ID", title: "CF_PIPELINE_NAME", url: "CF_BUILD_URL", job: "CF_STEP_NAME",
	},
	{
		name: "buddy", known: "BUDDY",
		commit: "BUDDY_EXECUTION_REVISION", branch: "BUDDY_EXECUTION_BRANCH", tag: "BUDDY_EXECUTION_TAG", request: "BUDDY_EXECUTION_PULL_REQUEST_NO",
		repository: "BUDDY_SCM_URL",
		pipeline:   "{BUDDY_PIPELINE_ID}/{BUDDY_EXECUTION_ID}", number: "BUDDY_EXECUTION_ID", title: "BUDDY_PIPELINE_NAME", url: "BUDDY_EXECUTION_URL",
	},
	{name: "ci", known: "CI"}, // one that nobody here knows
}

// told are the variables by which anybody says it, before what a CI system does.
var told = provider{
	commit: "GATEHOUSE_GIT_COMMIT", branch: "GATEHOUSE_GIT_BRANCH", tag: "GATEHOUSE_GIT_TAG", repository: "GATEHOUSE_GIT_REPOSITORY",
	pipeline: "GATEHOUSE_CI_PIPELINE", job: "GATEHOUSE_CI_JOB",
}

// place is where tests ran. What isn't known is empty.
type place struct {
	api.CI
	commit, branch string
	number, title  string // of the pipeline
	job            string // without what tells parallel copies of it apart
}

// where finds out where tests ran, from the variables of the environment.
func where(getenv func(string) string) place {
	ours, none := told.read(getenv), provider{}
	p := none.read(getenv)
	for _, candidate := range providers {
		if candidate.isHere(getenv) {
			p = candidate.read(getenv)
			break
		}
	}
	p.commit, p.Tag = first(ours.commit, p.commit), first(ours.Tag, p.Tag)
	p.branch, p.Repository = first(ours.branch, p.branch), first(ours.Repository, p.Repository)
	p.Pipeline, p.Job, p.job = first(ours.Pipeline, p.Pipeline), first(ours.Job, p.Job), first(ours.job, p.job)
	if p.branch == p.Tag {
		p.branch = "" // what GitLab and others call the branch of a tag
	}
	return p
}

// isHere reports whether one of the variables that a provider is known by is set.
func (p *provider) isHere(getenv func(string) string) bool {
	for known := range strings.SplitSeq(p.known, "|") {
		name, want, particular := strings.Cut(known, "=")
		if value := getenv(name); value != "" && value != "false" && (!particular || value == want) {
			return true
		}
	}
	return false
}

// copies is what follows the name of a job that runs several times beside itself.
var copies = regexp.MustCompile(`[\s-]*\d+/\d+$`)

// read fills in what a provider says.
func (p *provider) read(getenv func(string) string) place {
	get := func(value string) string { return fill(value, getenv) }
	at := place{
		CI: api.CI{
			Provider: p.name, Repository: withoutLogin(get(p.repository)), PullRequest: request(get(p.request)),
			Pipeline: strings.Trim(get(p.pipeline), "{}"), PipelineURL: withoutLogin(get(p.url)),
			Job: first(get(p.job), get(p.jobID)), JobURL: withoutLogin(get(p.jobURL)),
		},
		commit: get(p.commit), number: get(p.number), job: copies.ReplaceAllString(get(p.job), ""),
	}
	at.Attempt, _ = strconv.Atoi(get(p.attempt))
	at.Attempt = max(0, at.Attempt)
	ref, _, _ := reference(get(p.tag))
	at.Tag = first(ref, tagOf(get(p.tag)))
	branch, tag, number := reference(get(p.branch))
	at.branch, at.Tag, at.PullRequest = branch, first(at.Tag, tag), first(at.PullRequest, number)
	at.title = titleOf(get(p.title), at.branch)
	return at
}

// fill is the first alternative of a value of which every variable is set.
func fill(value string, getenv func(string) string) string {
	for alternative := range strings.SplitSeq(value, "|") {
		if alternative == "" {
			continue
		}
		if !strings.Contains(alternative, "{") {
			alternative = "{" + alternative + "}"
		}
		var text strings.Builder
		whole := true
		for alternative != "" && whole {
			before, rest, variable := strings.Cut(alternative, "{")
			text.WriteString(before)
			alternative = ""
			if variable {
				name, after, _ := strings.Cut(rest, "}")
				set := plain(getenv(name), mostOfCI)
				text.WriteString(set)
				whole, alternative = set != "", after
			}
		}
		if whole {
			return text.String()
		}
	}
	return ""
}

// mostOfCI bounds what is taken from one variable, in characters.
const mostOfCI = 500

// reference reads what Git calls a reference: the name of a branch or of a tag,
// or the number of a pull request.
func reference(ref string) (branch, tag, number string) {
	ref = strings.TrimPrefix(ref, "refs/")
	if rest, ok := strings.CutPrefix(ref, "pull/"); ok {
		number, _, _ = strings.Cut(rest, "/")
		return "", "", number
	}
	ref = strings.TrimPrefix(strings.TrimPrefix(ref, "heads/"), "origin/")
	if rest, ok := strings.CutPrefix(ref, "tags/"); ok {
		return "", rest, ""
	}
	return ref, "", ""
}

// tagOf is the name of a tag that is written as a reference.
func tagOf(ref string) string {
	_, tag, _ := reference(ref)
	return tag
}

// request is the number of a pull request. Some give its address, and some say
// false where there is none.
func request(text string) string {
	if text = text[strings.LastIndex(text, "/")+1:]; text == "false" {
		return ""
	}
	return text
}

// withoutLogin takes who signs in, and with which password, out of an address.
func withoutLogin(address string) string {
	scheme, rest, ok := strings.Cut(address, "://")
	if !ok {
		return address
	}
	authority, path, slash := strings.Cut(rest, "/")
	authority = authority[strings.LastIndex(authority, "@")+1:]
	if slash {
		path = "/" + path
	}
	return scheme + "://" + authority + path
}

// titleOf is the name of a pipeline without the branch and the parameters that
// Jenkins puts behind it.
func titleOf(name, branch string) string {
	if branch != "" {
		name = strings.TrimSuffix(name, "/"+branch)
	}
	var parts []string
	for part := range strings.SplitSeq(name, "/") {
		if !strings.Contains(part, "=") {
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/")
}

// first returns the first text that isn't empty.
func first(texts ...string) string {
	for _, text := range texts {
		if text != "" {
			return text
		}
	}
	return ""
}
