package onetest

import (
	"time"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/workspace"
)

// ReadTime reads a time of a body.
func ReadTime(text []byte) (time.Time, error) {
	var l loose
	if err := edge.ReadLoosely(text, &l); err != nil {
		return time.Time{}, err
	}
	return parseTime("time", l)
}

// ReadAttributes reads the attributes of a body.
func ReadAttributes(text []byte) ([]workspace.Attribute, error) {
	var list []looseAttribute
	err := edge.ReadLoosely(text, &list)
	return attributesOf(list), err
}
