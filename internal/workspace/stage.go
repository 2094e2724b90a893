package workspace

import (
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// The stages of a feature request. Each says what became of it in the words of
// who asked; its status does so in those of who works on it.
const (
	StagePending   = "pending"
	StageApproved  = "approved"
	StageStarted   = inProgress
	StageCompleted = "completed"
	StageRejected  = "rejected"
	StageDuplicate = "duplicate"
)

// Stages lists the stages of feature requests.
func Stages() []string {
	return []string{StagePending, StageApproved, StageStarted, StageCompleted, StageRejected, StageDuplicate}
}

// inProgress is the status, and the stage, of what is worked on.
const inProgress = "in_progress"

// stagesIn are the stages that a feature request of a status may be in, the
// usual one first. The status of a stage is the first that has it.
var stagesIn = []struct {
	status string
	stages []string
}{
	{Open, []string{StagePending, StageApproved}}, {inProgress, []string{StageStarted}}, {Resolved, []string{StageCompleted}},
	{"wont_fix", []string{StageRejected}}, {"closed", []string{StageRejected, StageDuplicate}}, {"needs_more_info", []string{StagePending}},
}

// setStatus gives an issue a status, or a feature request a stage.
func setStatus(i *store.Issue, word string) (err error) {
	if i.Category == FeatureRequest && !isStatus(word) {
		if i.Stage, err = oneOf("status", word, Stages()); err != nil {
			return err
		}
		if !slices.Contains(stagesOf(i.Status), i.Stage) {
			i.Status = statusOf(i.Stage)
		}
		return nil
	}
	if i.Status, err = status("status", word); err == nil {
		restage(i)
	}
	return err
}

// isStatus reports whether a word is one for issues of all kinds.
func isStatus(word string) bool { return word == "new" || slices.Contains(Statuses(), word) }

// restage sees to it that the stage of an issue is one of its status: that of
// a feature request, and of anything else none.
func restage(i *store.Issue) {
	may := stagesOf(i.Status)
	switch {
	case i.Category != FeatureRequest:
		i.Stage = ""
	case len(may) > 0 && !slices.Contains(may, i.Stage): // of a damaged row there are none
		i.Stage = may[0]
	}
}

func stagesOf(status string) []string {
	for _, s := range stagesIn {
		if s.status == status {
			return s.stages
		}
	}
	return nil
}

func statusOf(stage string) string {
	for _, s := range stagesIn {
		if slices.Contains(s.stages, stage) {
			return s.status
		}
	}
	return Open
}
