package console

import (
	"net/url"
	"slices"

	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// listing is what stands around a list: its tabs, its filters and the way to
// the next page. All that it asks for is in the address.
type listing struct {
	Label   string // of what is listed
	To      string // the address of the whole list
	Hint    string // what it is searched by; empty where it isn't
	Q       string // what is searched for
	Tabs    []tab
	Filters []filter
	Kept    []pair // what the form of the filters keeps
	Asked   bool   // whether the list is less than the whole
	First   string // the address of the first page; empty on it
	Next    string // of the next; empty on the last
	r       *edge.Request
	names   []string
}

// filter is a choice among values of a parameter; the empty one is any.
type filter struct {
	Name, Title string
	Choices     []choice
}

// listed begins the listing of a page at an address, whose query takes names
// and, for the next page, after.
func listed(r *edge.Request, label, to string, names ...string) *listing {
	l := &listing{Label: label, To: to, Q: r.Param("q"), r: r, names: names}
	l.Asked = slices.ContainsFunc(names, func(name string) bool { return r.Param(name) != "" })
	if r.Param("after") != "" {
		l.First = l.with()
	}
	return l
}

// with is the address of the list with some parameters changed, by pairs of
// name and value: of its first page, unless after is one of them.
func (l *listing) with(pairs ...string) string {
	query := url.Values{}
	for _, name := range l.names {
		query.Set(name, l.r.Param(name))
	}
	for i := 0; i < len(pairs); i += 2 {
		query.Set(pairs[i], pairs[i+1])
	}
	for name, value := range query {
		if value[0] == "" {
			delete(query, name)
		}
	}
	if len(query) == 0 {
		return l.To
	}
	return l.To + "?" + query.Encode()
}

// after is the way to the next page, where there are more than most items: then
// the last that is shown is named.
func (l *listing) after(more bool, last string) {
	if more {
		l.Next = l.with("after", last)
	}
}

// tab adds a tab that stands for a value of a parameter.
func (l *listing) tab(title, name, value string, count int) {
	l.Tabs = append(l.Tabs, tab{Title: title, To: l.with(name, value), Count: count, Current: l.r.Param(name) == value})
	if value != "" && l.r.Param(name) == value {
		l.Kept = append(l.Kept, pair{name, value})
	}
}

// filter adds a choice among values of a parameter. The first is for any.
func (l *listing) filter(name, title string, choices ...choice) {
	l.Filters = append(l.Filters, filter{name, title, chosen(l.r.Param(name), choices)})
}

// search lets the list be searched, by what hint says.
func (l *listing) search(hint string) { l.Hint = hint }
