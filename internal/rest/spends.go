package rest

import (
	"context"
	"encoding/binary"
	"strconv"
	"time"

	"github.com/google/uuid"

	"github.com/gatehouse-dev/gatehouse/api"
	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
	"github.com/gatehouse-dev/gatehouse/internal/store"
)

// spendsRequest reads which lines of the ledger a query asks for.
func (h *handlers) spendsRequest(r *edge.Request) (s authority.SpendsRequest, err error) {
	c, err := h.chosen(r)
	return authority.SpendsRequest{
		Organization: c.organization, From: c.from, To: c.to, Credential: c.credential, Project: c.project, Operation: r.Param("operation"),
	}, err
}

func (h *handlers) listSpends(r *edge.Request, _ edge.None) (out api.List[api.LedgerLine], err error) {
	req, err := h.spendsRequest(r)
	if err != nil {
		return out, err
	}
	most, err := limit(r)
	if err != nil {
		return out, err
	}
	c := h.cursors(r, spendFilters)
	if text := r.Param("cursor"); text != "" {
		raw, err := c.read(text)
		if err != nil || len(raw) != len(uuid.Nil)+8 {
			return out, wrongCursor()
		}
		req.Before = store.SpendPlace{At: time.UnixMilli(int64(binary.BigEndian.Uint64(raw))), ID: uuid.UUID(raw[8:])}
	}
	req.Most, req.Limit = authority.MostUsageDays, most+1
	list, err := h.authority.Spends(r.Context(), &r.Principal, req)
	if err != nil {
		return out, err
	}
	out.Items = []api.LedgerLine{}
	for i := range list[:min(len(list), most)] {
		out.Items = append(out.Items, ledgerLine(&list[i]))
	}
	if len(list) > most {
		last := &list[most-1]
		out.NextCursor = c.write(append(binary.BigEndian.AppendUint64(nil, uint64(last.At.UnixMilli())), last.ID[:]...))
	}
	return out, nil
}

func ledgerLine(s *store.ListedSpend) api.LedgerLine {
	return api.LedgerLine{
		ID: s.ID.String(), At: s.At, Credential: s.Credential.String(), Name: s.Name, User: idText(s.User), Project: idText(s.Project),
		Operation: s.Operation, Resource: s.Resource, Cost: s.Cost, Reserved: s.Reserved, SettledAt: instant(s.SettledAt),
	}
}

// spendColumns are the columns of an export of the ledger.
var spendColumns = []string{"timestamp", "credential", "name", "user", "project", "operation", "resource", "cost", "reserved", "settled"}

func (h *handlers) exportSpends(r *edge.Request, _ edge.None) (out edge.Stream, err error) {
	req, err := h.spendsRequest(r)
	if err != nil {
		return out, err
	}
	req.Most, req.Limit = authority.MostExportDays, exportPage
	principal := r.Principal
	return edge.Table("spends-"+date(req.From)+"-"+date(req.To)+".csv", spendColumns, pages(func(ctx context.Context) (cells [][]string, err error) {
		list, err := h.authority.Spends(ctx, &principal, req)
		for i := range list {
			l := ledgerLine(&list[i])
			settled := ""
			if l.SettledAt != nil {
				settled = l.SettledAt.Format(time.RFC3339Nano)
			}
			cells = append(cells, []string{
				l.At.Format(time.RFC3339Nano), l.Credential, l.Name, l.User, l.Project, l.Operation, l.Resource,
				strconv.FormatInt(l.Cost, 10), strconv.FormatInt(l.Reserved, 10), settled,
			})
			req.Before = list[i].Place()
		}
		return cells, err
	})), nil
}
