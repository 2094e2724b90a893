package betahub

import (
	"errors"

	"github.com/gatehouse-dev/gatehouse/internal/authority"
	"github.com/gatehouse-dev/gatehouse/internal/credential"
	"github.com/gatehouse-dev/gatehouse/internal/edge"
)

// devices are the routes by which a game without a browser asks to act for who
// plays it. The page on which they say yes is the console's.
func (h *handlers) devices() []edge.Route {
	return concat(
		both(edge.Either("/device_auth/create", edge.Public, most, takes(h.createDevice)).Creates().LimitedByAddress().
			Named("createDevice", "Ask to act for somebody, who says yes at /device_auth/…/authorize in a browser, within five minutes.").
			Example(`{"request_id":"$DEVICE","entity_kind":"game","entity_name":"My Game"}`)),
		both(edge.Get("/device_auth/{device}/poll", edge.Public, asks(h.pollDevice)).
			Named("pollDevice", "Say whether they did: with approved comes a token that works for 24 hours.")),
		[]edge.Route{edge.Options("/device_auth/create"), edge.Options("/device_auth/create.json"), edge.Options("/device_auth/{device}/{poll}")},
	)
}

// deviceBody is what a device says of itself.
type deviceBody struct {
	RequestID string `json:"request_id"`
	Kind      string `json:"entity_kind"`
	Name      string `json:"entity_name"`
}

type deviceCreated struct {
	Status string `json:"status"`
}

func (h *handlers) createDevice(r *edge.Request, body edge.Payload) (out deviceCreated, err error) {
	var in deviceBody
	if body.IsJSON() {
		err = body.Decode(&in)
	} else {
		f := fields{body.Form, "device_auth"}
		in = deviceBody{f.text("request_id"), f.text("entity_kind"), f.text("entity_name")}
	}
	if err == nil {
		err = h.authority.AskByDevice(r.Context(), authority.DeviceAsk{ID: in.RequestID, Kind: in.Kind, Name: in.Name, From: r.Origin()})
	}
	return deviceCreated{"created"}, err
}

// polled is how far the request of a device is. What it isn't is left out.
type polled struct {
	Status string `json:"status"`
	Token  string `json:"token,omitempty"`
	User   string `json:"user_name,omitempty"`
	Error  string `json:"error,omitempty"`
}

// pollDevice answers 200 to all that it knows a status for, since clients look at
// nothing else of an answer that isn't.
func (h *handlers) pollDevice(r *edge.Request) (polled, error) {
	answer, err := h.authority.PollDevice(r.Context(), r.PathValue("device"), r.Origin())
	switch {
	case errors.Is(err, credential.NotFound):
		return polled{Status: "not_found"}, nil
	case err != nil:
		return polled{}, err
	case answer.State == authority.DeviceTaken:
		return polled{Status: "approved", Token: answer.Token.Token.Reveal(), User: answer.User.Name}, nil
	case answer.Denied:
		return polled{Status: "expired", Error: "the user said no"}, nil
	case answer.State == authority.DeviceExpired:
		return polled{Status: "expired", Error: "it was not answered in time, or the token was fetched before; begin anew"}, nil
	}
	return polled{Status: "pending"}, nil
}
