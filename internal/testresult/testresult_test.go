package testresult_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

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
				{Name: "odd", Class: "Login", Status: "skipped", Message: "the step I fly is undefined"},
				{Name: "later", Class: "Login", Status: "skipped", Message: "the step I wait is pending"},
			}},
	},
	"trx": {
		{`<TestRun xmlns="http://microsoft.com/schemas/VisualStudio/TeamTest/2010"><Results>
  <UnitTestResult testId="1" testName="[48271] Pays" outcome="Passed" duration="00:00:01.5000000"/>
  <UnitTestResult testId="2" testName="Shop.Cart.Refunds" outcome="Failed"><Output><ErrorInfo><Message>Expected: 5</Message><StackTrace>at</StackTrace></ErrorInfo></Output></UnitTestResult>
  <UnitTestResult testId="3" testName="Rows" outcome="Warning"><InnerResults><UnitTestResult testId="3" testName="Rows (1)" outcome="Aborted"/></InnerResults></UnitTestResult>
  <UnitTestResult testId="4" testName="Ships" outcome="Inconclusive"/>
</Results><TestDefinitions><UnitTest id="1"><TestMethod className="Shop.Cart, Shop, Version=1.0" name="Pays"/></UnitTest><UnitTest id="2"><TestMethod className="Shop.Cart"/></UnitTest></TestDefinitions></TestRun>`,
			[]result{
				{Name: "[48271] Pays", Class: "Shop.Cart", Status: "pass", Duration: 1500 * time.Millisecond},
				{Name: "Shop.Cart.Refunds", Class: "Shop.Cart", Status: "fail", Message: "Expected: 5"},
				{Name: "Rows (1)", Status: "fail"},
				{Name: "Rows", Status: "pass"},
				{Name: "Ships", Status: "skipped"},
			}},
	},
	"xunit": {
		{`<assemblies><assembly name="Shop.dll"><collection name="c"><test name="Shop.Cart.Pays(id: 1)" type="Shop.Cart" method="Pays" time="0.25" result="Pass"><traits><trait name="a" value="b"/></traits></test>
  <test name="Shop.Cart.Refunds" type="Shop.Cart" result="Fail"><failure exception-type="X"><message><![CDATA[Expected: 5]]></message><stack-trace>at</stack-trace></failure></test>
  <test name="Shop.Cart.Ships" type="Shop.Cart" result="Skip"><reason>later</reason></test><test name="x" result="NotRun"/></collection></assembly></assemblies>`,
			[]result{
				{Name: "Shop.Cart.Pays(id: 1)", Class: "Shop.Cart", Status: "pass", Duration: 250 * time.Millisecond},
				{Name: "Shop.Cart.Refunds", Class: "Shop.Cart", Status: "fail", Message: "Expected: 5"},
				{Name: "Shop.Cart.Ships", Class: "Shop.Cart", Status: "skipped", Message: "later"},
				{Name: "x", Class: "c", Status: "skipped"},
			}},
	},
	"robot": {
		{`<robot generator="Robot 6.1"><suite name="Shop"><suite name="Cart"><test name="[48271] Pays"><kw name="Log"><status status="FAIL"/></kw><status status="PASS" starttime="20240102 10:00:00.000" endtime="20240102 10:00:01.500"/></test>
  <test name="Refunds"><status status="FAIL" elapsed="0.5">5 != 6</status></test><test name="Ships"><status status="SKIP">later</status></test><status status="FAIL"/></suite></suite></robot>`,
			[]result{
				{Name: "[48271] Pays", Class: "Cart", Status: "pass", Duration: 1500 * time.Millisecond},
				{Name: "Refunds", Class: "Cart", Status: "fail", Duration: 500 * time.Millisecond, Message: "5 != 6"},
				{Name: "Ships", Class: "Cart", Status: "skipped", Message: "later"},
			}},
	},
	"mocha": {
		{`{"stats":{"tests":4},"tests":[{"title":"valid","fullTitle":"Login valid","duration":8,"speed":"fast","err":{}},{"title":"later","fullTitle":"Login later","err":{}},
  {"title":"runs","fullTitle":"Login runs","duration":1,"err":{}},{"title":"wrong","fullTitle":"Login wrong","duration":5,"err":{"message":"\u001b[31mexpected\u001b[39m 401","stack":"at"}}],
  "pending":[{"title":"later","fullTitle":"Login later"}],"failures":[],"passes":[]}`,
			[]result{
				{Name: "valid", Class: "Login", Status: "pass", Duration: 8 * time.Millisecond},
				{Name: "later", Class: "Login", Status: "skipped"},
				{Name: "runs", Class: "Login", Status: "pass", Duration: time.Millisecond},
				{Name: "wrong", Class: "Login", Status: "fail", Duration: 5 * time.Millisecond, Message: "expected 401"},
			}},
	},
	"mochawesome": {
		{`{"stats":{},"results":[{"title":"","file":"a.js","tests":[{"title":"valid","state":"passed","duration":8},{"title":"off","pass":false,"fail":false,"pending":false,"skipped":true}],"suites":[{"title":"Inner","tests":[{"title":"wrong","fail":true,"err":{"estack":"x"}}]}]}]}`,
			[]result{
				{Name: "valid", Class: "a.js", Status: "pass", Duration: 8 * time.Millisecond},
				{Name: "off", Class: "a.js", Status: "skipped"},
				{Name: "wrong", Class: "a.js › Inner", Status: "fail"},
			}},
	},
	"ctrf": {
		{`{"results":{"tool":{"name":"x"},"summary":{"tests":9},"tests":[{"name":"[48271] valid","suite":"Login","status":"passed","duration":8,"flaky":true},{"name":"wrong","suite":["Login","Form"],"status":"failed","duration":5,"message":"no"},{"name":"later","status":"pending"},{"name":"odd","status":"other"},{"browser":"chromium","name":"valid","suite":"Login","status":"failed"},{"name":"valid","suite":"Login","status":"passed","browser":"firefox"},{"name":"valid","suite":"Login","status":"passed","browser":" "}]}}`,
			[]result{
				{Name: "[48271] valid", Class: "Login", Status: "pass", Duration: 8 * time.Millisecond},
				{Name: "wrong", Class: "Login › Form", Status: "fail", Duration: 5 * time.Millisecond, Message: "no"},
				{Name: "later", Status: "skipped"}, {Name: "odd", Status: "skipped"},
				{Name: "valid", Class: "Login (chromium)", Status: "fail"}, {Name: "valid", Class: "Login (firefox)", Status: "pass"}, {Name: "valid", Class: "Login", Status: "pass"},
			}},
	},
	"gotest": {
		{`go: downloading example.com/x v1.0.0
{"Time":"2024-01-02T10:00:00Z","Action":"run","Package":"a","Test":"TestOne"}
{"Action":"output","Package":"a","Test":"TestOne","Output":"    a_test.go:5: not yet\n"}
{"Action":"fail","Package":"a","Test":"TestOne","Elapsed":0.5}
{"Action":"run","Package":"a","Test":"TestOne"}
{"Action":"pass","Package":"a","Test":"TestOne","Elapsed":0.25}
{"Action":"run","Package":"a","Test":"TestTwo/sub"}
{"Action":"skip","Package":"a","Test":"TestTwo/sub","Elapsed":0}
{"Action":"run","Package":"a","Test":"TestHangs"}
{"Action":"fail","Package":"a","Elapsed":1}
`,
			[]result{
				{Name: "TestOne", Class: "a", Status: "fail", Duration: 500 * time.Millisecond, Message: "a_test.go:5: not yet"},
				{Name: "TestOne", Class: "a", Status: "pass", Duration: 250 * time.Millisecond},
				{Name: "TestTwo/sub", Class: "a", Status: "skipped"},
				{Name: "TestHangs", Class: "a", Status: "fail", Message: "it began, and did not end"},
			}},
	},
	"tap": {
		{`TAP version 13
ok 1 - [48271] valid # time=8ms
not ok 2 wrong
  ---
  message: "expected 401"
  at: x
  ...
# Subtest: inner
    ok 1 - not counted
ok 3 - later # SKIP not today
not ok 4 # TODO some day
1..4
`,
			[]result{
				{Name: "[48271] valid", Status: "pass", Duration: 8 * time.Millisecond},
				{Name: "wrong", Status: "fail", Message: "expected 401"},
				{Name: "later", Status: "skipped", Message: "not today"},
				{Name: "test 4", Status: "skipped", Message: "some day"},
			}},
	},
	"dart": {
		{`{"protocolVersion":"0.1.1","type":"start","time":0}
{"suite":{"id":0,"platform":"vm","path":"test/a_test.dart"},"type":"suite","time":0}
{"test":{"id":3,"name":"valid","suiteID":0,"line":5,"url":"file:///a"},"type":"testStart","time":10}
{"testID":3,"result":"success","skipped":false,"hidden":false,"type":"testDone","time":18}
{"test":{"id":4,"name":"wrong","suiteID":0},"type":"testStart","time":20}
{"testID":4,"error":"Expected: 5","stackTrace":"at","isFailure":true,"type":"error","time":21}
{"testID":4,"result":"failure","skipped":false,"hidden":false,"type":"testDone","time":22}
{"testID":5,"result":"success","hidden":true,"type":"testDone","time":22}
{"success":false,"type":"done","time":25}
`,
			[]result{
				{Name: "valid", Class: "test/a_test.dart", Status: "pass", Duration: 8 * time.Millisecond},
				{Name: "wrong", Class: "test/a_test.dart", Status: "fail", Duration: 2 * time.Millisecond, Message: "Expected: 5"},
			}},
	},
}

func TestRead(t *testing.T) {
	for format, files := range samples {
		for i, s := range files {
			for _, asked := range []string{format, "auto"} {
				got, err := read(asked, s.file, 100)
				if err != nil || !cmp.Equal(got, s.want) {
					t.Errorf("%s, file %d, asked for %s: %v\n%s", format, i+1, asked, err, cmp.Diff(s.want, got))
				}
			}
		}
	}
	if len(samples) != len(testresult.Formats()) {
		t.Errorf("there are samples of %d formats, and %v", len(samples), testresult.Formats())
	}
}

// A test that failed and passed the last time is flaky, and a package that
// failed without a test of its own is an error of its own.
func TestGoTestSummary(t *testing.T) {
	event := func(action, pkg, test string) string {
		return fmt.Sprintf("{\"Action\":%q,\"Package\":%q,\"Test\":%q}\n", action, pkg, test)
	}
	file := event("run", "a", "T1") + event("fail", "a", "T1") + event("run", "a", "T1") + event("pass", "a", "T1") +
		event("run", "a", "T2") + event("pass", "a", "T2") + event("run", "a", "T2") + event("fail", "a", "T2") + event("fail", "a", "") +
		`{"Action":"output","Package":"b","Output":"FAIL\tb [build failed]\n"}` + "\n" + event("fail", "b", "") +
		event("run", "c", "BenchmarkX") + event("pass", "c", "")
	var attempts []int
	sum, err := testresult.Read(strings.NewReader(file), testresult.Options{}, func(c *testresult.Case) error {
		attempts = append(attempts, c.Attempt)
		return nil
	})
	if err != nil || counts(sum) != "5 3 2 0 0 1 1" || !cmp.Equal(attempts, []int{1, 2, 0, 1, 0}) || len(sum.SuiteMessages) != 1 || !strings.HasPrefix(sum.SuiteMessages[0], "b: ") {
		t.Errorf("%s, attempts %v, %v, %v", counts(sum), attempts, sum.SuiteMessages, err)
	}
}

// A case has all that its file says of it.
func TestWholeCase(t *testing.T) {
	file := `<testsuites name="all"><testsuite name="outer"><testsuite name="inner"><testcase classname="a.B" name="c&#10;d" file="b.py" line="7" time="0,5" timestamp="2024-01-02T03:04:05Z">
<properties><property name="testrail_attachment" value="/a.png"/><property name="note">said</property></properties>
<failure type="AssertionError">why &amp; <![CDATA[<where>]]></failure><rerunFailure/>
<system-out>noise [[ATTACHMENT|/b.png]] [[[ATTACHMENT|/c.png]]</system-out></testcase></testsuite></testsuite></testsuites>`
	var got testresult.Case
	_, err := testresult.Read(strings.NewReader(file), testresult.Options{}, func(c *testresult.Case) error {
		got = *c
		return nil
	})
	want := testresult.Case{
		Name: "c d", Class: "a.B", Suite: "outer › inner", File: "b.py", Line: 7, CodeRef: "a.B.c d", Status: testresult.Failed, Duration: 500 * time.Millisecond,
		StartedAt: time.Date(2024, 1, 2, 3, 4, 5, 0, time.UTC), Message: "why & <where>", Detail: "why & <where>",
		Properties:  []testresult.Property{{Name: "testrail_attachment", Value: "/a.png"}, {Name: "note", Value: "said"}},
		Attachments: []string{"/a.png", "/b.png", "/c.png"},
	}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v\n%s", err, cmp.Diff(want, got))
	}
}

// An error of who takes the cases is his, and ends the reading.
func TestStopped(t *testing.T) {
	stop := errors.New("enough")
	for format, files := range samples {
		n := 0
		_, err := testresult.Read(strings.NewReader(files[0].file), testresult.Options{}, func(*testresult.Case) error {
			n++
			return stop
		})
		if err != stop || n != 1 {
			t.Errorf("%s: %d cases, then %v", format, n, err)
		}
	}
}

// What is no file of a format is refused, and it is said why and where.
func TestRefused(t *testing.T) {
	junit := samples["junit"][0].file
	for _, c := range []struct{ format, file, want string }{
		{"junit", "", "it is empty"},
		{"", " \n", "it is empty"},
		{"junit", "nothing here", "line 1: it is neither XML nor JSON, nor any other file of test results that is read, and no file of JUnit"},
		{"junit", "<html><testcase/></html>", "it begins with <html>: it is HTML, not test results"},
		{"", "<!DOCTYPE html>\n<html>", "line 1: it is HTML, not test results"},
		{"", "<project/>", "it begins with <project>, as no file of test results does that is read"},
		{"", "<testsuite>\n<testcase name='a'>\n", "line 2: the file ends inside <testcase>"},
		{"", "<testsuite>\n<testcase name='a", "line 2: the file ends inside <testcase>"},
		{"", "<testsuite>\n<testcase name='a'></testsuite>", "line 2: <testcase> is ended by </testsuite>"},
		{"", "<testsuite/>\n<testsuite/>", "line 2: <testsuite> follows the end of the results"},
		{"", "<testsuite/>\nmore", "line 2: a text follows the end of the results"},
		{"junit", "<testsuite><testcase name='&boom;'/></testsuite>", "line 1: &boom; is no entity of XML"},
		{"junit", "<testsuite><testcase name='a & b'/></testsuite>", "line 1: a & stands alone"},
		{"junit", `<!DOCTYPE x [<!ENTITY boom SYSTEM "file:///etc/passwd">]><testsuite><testcase name="&boom;"/></testsuite>`, "it declares a document type or entities, which are not read"},
		{"junit", `<?xml version="1.0" encoding="Shift_JIS"?><testsuite/>`, "line 1: it is written in shift_jis, which is not read; write it in UTF-8"},
		{"junit", "<testsuite>" + strings.Repeat("<testcase name='a'/>", 101) + "</testsuite>", "there are more than 100 results in it"},
		{"nunit", junit, "it is a file of JUnit, not of NUnit"},
		{"playwright", junit, "it is a file of JUnit, not of Playwright"},
		{"cucumber", samples["tap"][0].file, "it is a file of TAP, not of Cucumber"},
		{"dart", samples["gotest"][0].file, "it is a file of go test -json, not of Dart and Flutter"},
		{"mocha", samples["mochawesome"][0].file, "it is a file of Mochawesome, not of Mocha"},
		{"playwright", `{"suites":[5]}`, "line 1: here stands a number, and not an object"},
		{"cypress", "{\n\"results\":", `line 2: the file ends inside "results"`},
		{"", `{"suites":[]} x`, "line 1: more follows the end of the JSON"},
		{"cucumber", `{}`, "it is JSON, but none of the reports that are read, and no file of Cucumber"},
		{"", `[{"a":1}]`, "it is JSON, but none of the reports that are read"},
		{"", `{"numTotalTests":1,"testResults":[]}`, "it is the JSON of Jest"},
		{"", `{"tests":[{"nodeid":"a"}]}`, "it is the JSON of pytest-json-report"},
		{"", "ok  \tgithub.com/x/y\t0.5s\n", "it is what go test prints for people"},
		{"", "PK\x03\x04", "it is a ZIP archive"},
		{"gotest", samples["gotest"][0].file + `{"Action":"run","Pack`, "line 11: the file ends inside an event"},
		{"tap", "1..2\nok 1\nnot", "line 3: the file ends inside a line"},
		{"surefire", "<x/>", "the format must be one of: junit, testng, nunit"},
	} {
		_, err := read(c.format, c.file, 100)
		var wrong *testresult.Error
		if err == nil || !strings.Contains(err.Error(), c.want) || !errors.As(err, &wrong) {
			t.Errorf("%s of %.40q: %v; want %s", c.format, c.file, err, c.want)
		}
	}
}

// What a file is written in is told by its marks and its declaration.
func TestEncodings(t *testing.T) {
	wide := func(text string, order binary.AppendByteOrder) (b []byte) {
		for _, c := range utf16.Encode([]rune(text)) {
			b = order.AppendUint16(b, c)
		}
		return b
	}
	file := "<testsuite><testcase name='é'/></testsuite>"
	for what, c := range map[string]struct {
		file     string
		warnings int
	}{
		"UTF-8 with a mark":      {"\uFEFF" + file, 0},
		"UTF-16, little endian":  {string(wide("\uFEFF"+file, binary.LittleEndian)), 0},
		"UTF-16, big endian":     {string(wide("\uFEFF"+file, binary.BigEndian)), 0},
		"UTF-16 without a mark":  {string(wide(file, binary.LittleEndian)), 0},
		"ISO-8859-1":             {`<?xml version="1.0" encoding="ISO-8859-1"?>` + strings.ReplaceAll(file, "é", "\xe9"), 0},
		"windows-1252":           {`<?xml version='1.0' encoding='windows-1252'?>` + strings.ReplaceAll(file, "é", "\xe9"), 0},
		"cp437":                  {`<?xml version='1.0' encoding='cp437'?>` + strings.ReplaceAll(file, "é", "\x82"), 0},
		"UTF-8 that says UTF-16": {`<?xml version="1.0" encoding="utf-16"?>` + file, 1},
		"bytes that are no text": {strings.ReplaceAll(file, "é", "\xff\x02é&#3;\uFFFE"), 1},
	} {
		name := ""
		sum, err := testresult.Read(strings.NewReader(c.file), testresult.Options{}, func(c *testresult.Case) error {
			name = c.Name
			return nil
		})
		if err != nil || name != "é" || len(sum.Warnings) != c.warnings {
			t.Errorf("%s: %q, %v, %v", what, name, sum.Warnings, err)
		}
	}
}

// A file that would take far more memory than it is long is refused, or takes no more.
func TestD12_Swollen(t *testing.T) {
	t.Parallel()
	const many = 20_000
	for _, c := range []struct{ format, begin, again, end, want string }{
		{"playwright", `{"suites":[`, "{},", "{}]}", ""},
		{"cypress", `{"tests":[`, "null,", "{}]}", ""},
		{"cucumber", `[{"keyword":"Feature","elements":[`, "{},", "{}]}]", ""},
		{"", `{"a":`, "[", "", "nested deeper than 1000 levels"},
		{"playwright", `{"a":`, `{"a":`, "", "nested deeper than 1000 levels"},
		{"playwright", `{"suites":[{"suites":`, `[{"suites":`, "", "nested deeper than 1000 levels"},
		{"playwright", `{"a":`, "1", "}", "a number is longer than 400 digits"},
		{"junit", "<testsuite", ` a=""`, "/>", "more than 256 attributes"},
		{"junit", "<testsuite ", `a`, "=''/>", "a name is longer than 1024 bytes"},
		{"testng", "<testng-results>", "<a>", "", "nested deeper than 200 levels"},
		{"nunit", "<test-run><test-case>", "<a>", "", "nested deeper than 200 levels"},
		{"junit", "<testsuite>", "<testsuite name='x'>", "", "nested deeper than 200 levels"},
		{"junit", "<testsuite>", "<testcase name='x'>", "", "more than 16 tests stand in each other"},
		{"gotest", "", `{"Action":"run","Package":"` + strings.Repeat("p", 900) + `","Test":"` + "%d" + strings.Repeat("t", 900) + "\"}\n", "", "too many tests run at the same time"},
	} {
		number := 0
		again := func() string {
			number++
			return strings.Replace(c.again, "%d", strconv.Itoa(number), 1)
		}
		var file strings.Builder
		for file.WriteString(c.begin); number < many; file.WriteString(again()) {
		}
		file.WriteString(c.end)
		sum, err := testresult.Read(strings.NewReader(file.String()), testresult.Options{Format: c.format}, func(*testresult.Case) error { return nil })
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s of many %s: %v, %v", c.format, c.again, sum, err)
		}
	}
}
