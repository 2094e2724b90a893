package onetest_test

import (
	"testing"

	"github.com/gatehouse-dev/gatehouse/internal/credential"
)

var _ = credential.Admin

func TestSmoke(t *testing.T) {
	each(t, func(t *testing.T, w *world) {
		base := "/api/receiver/api/v2/" + w.game.ID.String()
		l := w.post("key", base+"/launch", `{"name":"Nightly","startTime":1767323045000,"attributes":[{"key":"RAMSize","value":123,"system":true},{"value":"x"}],"unknown":{"a":[1]}}`).want(201)
		id := l.text("id")
		suite := w.post("key", base+"/item/", `{"name":"Suite","type":"suite","startTime":"1767323045001","launchUuid":"`+id+`"}`).want(201).text("id")
		step := w.post("key", base+"/item/"+suite, `{"name":"[48271] valid login","type":"STEP","startTime":"2026-01-02T03:04:05.123456789Z","launchUuid":"`+id+`","codeRef":"a//b [x]"}`).want(201).text("id")
		w.post("key", base+"/log", `{"time":"1767323045001","message":"hi","level":"info","launchUuid":"`+id+`","itemUuid":"`+step+`"}`).want(201)
		w.put("key", base+"/item/"+step, `{"endTime":1767323046001,"launchUuid":"`+id+`","status":"FAILED","description":"`+"```error\\nboom\\n```"+`"}`).want(200)
		w.put("key", base+"/item/"+suite, `{"endTime":1767323046002,"launchUuid":"`+id+`"}`).want(200)
		f := w.put("key", base+"/launch/"+id+"/finish", `{"endTime":1767323046003,"status":"PASSED"}`).want(200)
		t.Log(f.body)
		v1 := "/api/receiver/api/v1/space-game"
		t.Log(w.get("key", v1+"/launch/uuid/"+id).want(200).body)
		t.Log(w.get("key", v1+"/item?filter.eq.launchId=1&page.size=50&x=y").want(200).body)
		t.Log(w.get("key", v1+"/log/item/"+step).want(200).body)
		t.Log(w.get("key", v1+"/launch?page.page=1&page.size=1").want(200).body)
	})
}
