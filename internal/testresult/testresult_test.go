package testresult_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/gatehouse-dev/gatehouse/internal/testresult"
)

// result is what these tests ask of a case.
type result struct {
	Name, Class, Status string
	Duration            time.Duration
	Message             string
}

func read(format, file string, most int64) (list []result, err error) {
	words := map[testresult.Status]string{testresult.Passed: "pass", testresult.Failed: "fail", testresult.Errored: "fail", testresult.Skipped: "skipped"}
	_, err = testresult.Read(strings.NewReader(file), testresult.Options{Format: format, MostCases: most}, func(c *testresult.Case) error {
		list = append(list, result{c.Name, c.Class, words[c.Status], c.Duration, c.Message})
		return nil
	})
	return list, err
}

// samples are files as the programs write them, and what is read in each.
var samples = map[string][]struct {
	file string
	want []result
}{
	"junit": {
		{`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="all" tests="4"><testsuite name="web" tests="4">
  <properties><property name="x" value="y"/></properties>
  <testcase name="[48271] valid login" classname="login.Test" time="0.812"/>
  <testcase name="wrong password" time="1,001.5"><failure message="expected 401" type="AssertionError">at line 3</failure></testcase>
  <testcase name="no network"><error>refused
    at line 7</error><system-out>noise</system-out></testcase>
  <testsuite name="inner"><testcase name="later" time="NaN"><skipped/></testcase></testsuite>
</testsuite></testsuites>`,
			[]result{
				{Name: "[48271] valid login", Class: "login.Test", Status: "pass", Duration: 812 * time.Millisecond},
				{Name: "wrong password", Class: "web", Status: "fail", Duration: 1001500 * time.Millisecond, Message: "expected 401"},
				{Name: "no network", Class: "web", Status: "fail", Message: "refused\n    at line 7"},
				{Name: "later", Class: "inner", Status: "skipped"},
			}},
		{"\uFEFF" + `<testsuite><testcase name="off" status="notrun" time="-3"/><testcase/><testcase name="a"><skipped message="not today"/></testcase></testsuite>`,
			[]result{{Name: "off", Status: "skipped"}, {Name: "(without a name)", Status: "pass"}, {Name: "a", Status: "skipped", Message: "not today"}}},
	},
	"testng": {
		{`<testng-results passed="1" failed="1"><reporter-output/><suite name="S"><test name="T"><class name="shop.CartTest">
  <test-method name="setUp" is-config="true" status="FAIL"/>
  <test-method name="pays" description="[48271] pays by card" status="PASS" duration-ms="1500"/>
  <test-method name="refunds" status="FAIL" duration-ms="20"><exception class="java.lang.AssertionError"><message><![CDATA[expected 5]]></message></exception></test-method>
  <test-method name="ships" status="SKIP"/>
</class></test></suite></testng-results>`,
			[]result{
				{Name: "pays [48271] pays by card", Class: "shop.CartTest", Status: "pass", Duration: 1500 * time.Millisecond},
				{Name: "refunds", Class: "shop.CartTest", Status: "fail", Duration: 20 * time.Millisecond, Message: "expected 5"},
				{Name: "ships", Class: "shop.CartTest", Status: "skipped"},
			}},
	},
	"nunit": {
		{`<test-run id="0" testcasecount="3"><test-suite type="Assembly" name="Shop.dll"><test-suite type="TestFixture" name="CartTests">
  <test-case name="Pays" fullname="Shop.CartTests.Pays" classname="Shop.CartTests" result="Passed" duration="0.5"><properties><property name="Description" value="[48271] by card"/></properties></test-case>
  <test-case name="Refunds" result="Failed" duration="0.02"><failure><message>Expected: 5</message><stack-trace>at</stack-trace></failure></test-case>
  <test-case name="Ships" result="Skipped"><reason><message>later</message></reason></test-case>
</test-suite></test-suite></test-run>`,
			[]result{
				{Name: "Pays [48271] by card", Class: "Shop.CartTests", Status: "pass", Duration: 500 * time.Millisecond},
				{Name: "Refunds", Class: "CartTests", Status: "fail", Duration: 20 * time.Millisecond, Message: "Expected: 5"},
				{Name: "Ships", Class: "CartTests", Status: "skipped", Message: "later"},
			}},
		{`<test-results><test-suite name="Old"><results><test-case name="Old.Pays" executed="True" result="Success" time="0.25"/></results></test-suite></test-results>`,
			[]result{{Name: "Old.Pays", Class: "Old", Status: "pass", Duration: 250 * time.Millisecond}}},
	},
	"playwright": {
		{`{"config":{},"suites":[{"title":"login.spec.ts","specs":[],"suites":[{"title":"Login","specs":[
  {"title":"[48271] valid","ok":true,"tests":[{"projectName":"chromium","status":"flaky","results":[{"status":"failed","duration":10,"error":{"message":"once"}},{"status":"passed","duration":812}]}]},
  {"title":"wrong","tests":[{"status":"unexpected","results":[{"status":"timedOut","duration":30000,"error":{"message":"Timeout"}}]}]},
  {"title":"later","tests":[{"status":"skipped","results":[]}]}]}]}],"stats":{}}`,
			[]result{
				{Name: "[48271] valid", Class: "login.spec.ts › Login (chromium)", Status: "pass", Duration: 812 * time.Millisecond},
				{Name: "wrong", Class: "login.spec.ts › Login", Status: "fail", Duration: 30 * time.Second, Message: "Timeout"},
				{Name: "later", Class: "login.spec.ts › Login", Status: "skipped"},
			}},
	},
	"cypress": {
		{`{"stats":{"tests":3},"tests":[{"title":"[48271] valid","fullTitle":"Login [48271] valid","duration":812,"err":{}},
  {"title":"wrong","fullTitle":"Login wrong","duration":5,"err":{"message":"expected 401","stack":"at"}},{"title":"later","fullTitle":"Login later","err":{}}],
  "pending":[{"title":"later","fullTitle":"Login later"}],"failures":[],"passes":[]}`,
			[]result{
				{Name: "[48271] valid", Class: "Login", Status: "pass", Duration: 812 * time.Millisecond},
				{Name: "wrong", Class: "Login", Status: "fail", Duration: 5 * time.Millisecond, Message: "expected 401"},
				{Name: "later", Class: "Login", Status: "skipped"},
			}},
		{`{"results":[{"title":"","file":"cypress/e2e/login.cy.js","suites":[{"title":"Login","tests":[{"title":"[48271] valid","duration":812,"state":"passed","err":{}},
  {"title":"wrong","state":"failed","err":{"message":"expected 401"}},{"title":"later","pending":true}],"suites":[]}]}]}`,
			[]result{
				{Name: "[48271] valid", Class: "cypress/e2e/login.cy.js › Login", Status: "pass", Duration: 812 * time.Millisecond},
				{Name: "wrong", Class: "cypress/e2e/login.cy.js › Login", Status: "fail", Message: "expected 401"},
				{Name: "later", Class: "cypress/e2e/login.cy.js › Login", Status: "skipped"},
			}},
	},
	"cucumber": {
		{`[{"name":"Login","uri":"login.feature","elements":[
  {"type":"background","name":"","steps":[{"name":"an account","result":{"status":"passed","duration":1000000}}]},
  {"type":"scenario","name":"[48271] valid","before":[{"result":{"status":"passed","duration":1000000}}],"steps":[{"name":"I sign in","result":{"status":"passed","duration":2000000}}]},
  {"type":"scenario","name":"wrong","steps":[{"name":"I sign in","result":{"status":"failed","duration":2000000,"error_message":"expected 401"}},{"name":"I wait","result":{"status":"skipped"}}]},
  {"type":"scenario","name":"odd","steps":[{"name":"I fly","result":{"status":"undefined"}}]},
  {"type":"scenario","name":"later","steps":[{"name":"I wait","result":{"status":"pending"}}]}]}]`,
			[]result{
				{Name: "[48271] valid", Class: "Login", Status: "pass", Duration: 4 * time.Millisecond},
				{Name: "wrong", Class: "Login", Status: "fail", Duration: 2 * time.Millisecond, Message: "expected 401"},
				{Name: "odd", Class: "Login", Status: "fail", Message: "the step I fly is undefined"},
				{Name: "later", Class: "Login", Status: "skipped"},
			}},
	},
}

func TestRead(t *testing.T) {
	for format, files := range samples {
		for i, s := range files {
			got, err := read(format, s.file, 100)
			if err != nil || !cmp.Equal(got, s.want) {
				t.Errorf("%s, file %d: %v\n%s", format, i+1, err, cmp.Diff(s.want, got))
			}
		}
	}
	if len(samples) != len(testresult.Formats()) {
		t.Errorf("there are samples of %d formats, and %v", len(samples), testresult.Formats())
	}
}

// What is no file of a format is refused, and it is said why.
func TestRefused(t *testing.T) {
	for _, c := range []struct{ format, file, want string }{
		{"junit", "", "it is empty, and no file of JUnit"},
		{"junit", "nothing here", "it is empty, and no file of JUnit"},
		{"junit", "<html><testcase/></html>", "it begins with <html>, and a file of JUnit with <testsuites> or <testsuite>"},
		{"junit", "<testsuite><testcase name='a'>", "it is no XML"},
		{"junit", "<testsuite><testcase name='&boom;'/></testsuite>", "it is no XML"},
		{"junit", `<!DOCTYPE x [<!ENTITY boom SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&boom;"/></testsuite>`, "it is no XML"},
		{"junit", `<?xml version="1.0" encoding="ISO-8859-1"?><testsuite/>`, "it is written in ISO-8859-1, not in UTF-8"},
		{"junit", "<testsuite>" + strings.Repeat("<testcase name='a'/>", 101) + "</testsuite>", "there are more than 100 results in it"},
		{"nunit", samples["junit"][0].file, "it begins with <testsuites>, and a file of NUnit with <test-run> or <test-results>"},
		{"testng", samples["junit"][0].file, "it begins with <testsuites>"},
		{"playwright", samples["junit"][0].file, "it is no JSON, from byte 0 on"},
		{"playwright", `{"suites":[{"title":5}]}`, `it is no file of Playwright: at "/suites/0/title" stands something else`},
		{"cypress", `{"results":`, "it is no JSON, from byte"},
		{"cucumber", `{}`, "it is no file of Cucumber"},
		{"xunit", "<x/>", "the format must be one of: cucumber, cypress, junit, nunit, playwright, testng"},
	} {
		got, err := read(c.format, c.file, 100)
		if got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of %.40q: got %v, %v; want %s", c.format, c.file, got, err, c.want)
		}
	}
}

// A file that would take far more memory than it is long is refused before it does.
func TestD12_Swollen(t *testing.T) {
	t.Parallel()
	const many = 20_000
	for _, c := range []struct{ format, begin, again, end, want string }{
		{"playwright", `{"suites":[`, "{},", "{}]}", "there is too much in it"},
		{"cypress", `{"tests":[`, "null,", "{}]}", "there is too much in it"},
		{"cucumber", "[", "{},", "{}]", "there is too much in it"},
		{"junit", "<testsuite", ` a=""`, "/>", "quotation marks follow each other"},
		{"testng", "<testng-results>", "<a>", "", "nested deeper than 200 levels"},
		{"nunit", "<test-run><test-case>", "<a>", "", "nested deeper than 200 levels"},
	} {
		_, err := read(c.format, c.begin+strings.Repeat(c.again, many)+c.end, 100)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s of many %s: %v", c.format, c.again, err)
		}
	}
}

// A file of any kind is read or refused, and what is read is sound.
func FuzzRead(f *testing.F) {
	for format, files := range samples {
		for _, s := range files {
			f.Add(format, s.file)
		}
	}
	f.Fuzz(func(t *testing.T, format, file string) {
		results, err := read(format, file, 20)
		if err != nil && len(results) > 0 || len(results) > 20 {
			t.Errorf("%d results, and %v", len(results), err)
		}
		for _, r := range results {
			if r.Name == "" || r.Duration < 0 || !strings.Contains("pass fail skipped", r.Status) {
				t.Errorf("%+v", r)
			}
		}
	})
}
