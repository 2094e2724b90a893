package testresult_test

import (
	"fmt"
	"io"
	"strings"
)

// dialect writes a file of any size, of which every tenth test fails.
type dialect struct {
	head, tail string
	test       func(i int64) string
}

// many are dialects of all formats. They have what makes files large: long
// texts, and as many tests as there is room for.
var many = map[string]dialect{
	"junit": {`<?xml version="1.0" encoding="UTF-8"?>` + "\n<testsuites name=\"all\">\n<testsuite name=\"shop\">\n", "</testsuite>\n</testsuites>\n", func(i int64) string {
		if i%10 == 0 {
			return fmt.Sprintf("  <testcase classname=\"com.example.shop.CartTest\" name=\"paysByCard%d\" time=\"0.0%d\">\n    <failure message=\"expected: &lt;5&gt; but was: &lt;%d&gt;\" type=\"AssertionError\">%s</failure>\n  </testcase>\n", i, i%10, i, trace)
		}
		return fmt.Sprintf("  <testcase classname=\"com.example.shop.CartTest\" name=\"paysByCard%d\" time=\"0.0%d\"/>\n", i, i%10)
	}},
	"testng": {"<testng-results><suite name=\"s\"><test name=\"t\"><class name=\"shop.Cart\">\n", "</class></test></suite></testng-results>", func(i int64) string {
		return fmt.Sprintf("<test-method status=%q signature=\"pays%d()[pri:0]\" name=\"pays%d\" duration-ms=\"12\" started-at=\"2024-01-02T10:00:00Z\">%s<reporter-output/></test-method>\n",
			either(i, "FAIL", "PASS"), i, i, either(i, "<exception class=\"AssertionError\"><message><![CDATA[no]]></message><full-stacktrace><![CDATA["+trace+"]]></full-stacktrace></exception>", ""))
	}},
	"nunit": {"<test-run id=\"2\"><test-suite name=\"Shop.dll\">\n", "</test-suite></test-run>", func(i int64) string {
		return fmt.Sprintf("<test-case id=\"%d\" name=\"Pays%d\" fullname=\"Shop.Cart.Pays%d\" classname=\"Shop.Cart\" result=%q duration=\"0.01\">%s</test-case>\n", i, i, i, either(i, "Failed", "Passed"),
			either(i, "<failure><message>no</message><stack-trace><![CDATA["+trace+"]]></stack-trace></failure>", ""))
	}},
	"trx": {"<TestRun xmlns=\"http://microsoft.com/schemas/VisualStudio/TeamTest/2010\"><Results>\n", "</Results></TestRun>", func(i int64) string {
		return fmt.Sprintf("<UnitTestResult testId=\"5370a586-%d\" testName=\"Pays%d\" duration=\"00:00:00.0259239\" outcome=%q>%s</UnitTestResult>\n", i, i, either(i, "Failed", "Passed"),
			either(i, "<Output><ErrorInfo><Message>no</Message><StackTrace>"+trace+"</StackTrace></ErrorInfo></Output>", ""))
	}},
	"xunit": {"<assemblies><assembly name=\"Shop.dll\"><collection name=\"c\">\n", "</collection></assembly></assemblies>", func(i int64) string {
		return fmt.Sprintf("<test name=\"Shop.Cart.Pays%d\" type=\"Shop.Cart\" method=\"Pays%d\" time=\"0.01\" result=%q>%s</test>\n", i, i, either(i, "Fail", "Pass"),
			either(i, "<failure><message>no</message><stack-trace>"+trace+"</stack-trace></failure>", ""))
	}},
	"robot": {"<robot><suite name=\"s\">\n", "</suite></robot>", func(i int64) string {
		return fmt.Sprintf("<test name=\"Pays %d\"><kw name=\"Log\"><msg>%s</msg><status status=\"PASS\" elapsed=\"0.1\"/></kw><status status=%q start=\"2024-01-02T10:00:00\" elapsed=\"0.1\">no</status></test>\n", i, trace, either(i, "FAIL", "PASS"))
	}},
	"playwright": {`{"config":{"version":"1.53.1"},"suites":[{"title":"a.spec.ts","file":"a.spec.ts","specs":[` + "\n", `]}],"errors":[],"stats":{}}`, func(i int64) string {
		return comma(i) + fmt.Sprintf(`{"title":"pays %d","ok":true,"tags":[],"tests":[{"timeout":5000,"annotations":[],"expectedStatus":"passed","projectName":"chromium","results":[{"status":%q,"duration":23,"errors":[],"stdout":[{"text":%q}],"retry":0,"startTime":"2024-04-19T12:56:13.739Z","error":{"message":"no"},"attachments":[]}],"status":%q}],"id":"x","file":"a.spec.ts","line":4}`+"\n",
			i, either(i, "failed", "passed"), trace, either(i, "unexpected", "expected"))
	}},
	"mocha": {`{"stats":{},"tests":[` + "\n", `],"pending":[],"failures":[],"passes":[]}`, func(i int64) string {
		return comma(i) + fmt.Sprintf(`{"title":"pays %d","fullTitle":"Cart pays %d","file":"/a.js","duration":3,"currentRetry":0,%s}`+"\n", i, i, either(i, fmt.Sprintf(`"err":{"message":"no","stack":%q}`, trace), `"speed":"fast","err":{}`))
	}},
	"mochawesome": {`{"stats":{},"results":[{"title":"","file":"a.js","suites":[{"title":"Cart","tests":[` + "\n", `]}]}]}`, func(i int64) string {
		return comma(i) + fmt.Sprintf(`{"title":"pays %d","fullTitle":"Cart pays %d","duration":3,"state":%q,"pass":true,"fail":false,"pending":false,"code":%q,"err":{},"skipped":false}`+"\n", i, i, either(i, "failed", "passed"), trace)
	}},
	"cypress": {`{"totalTests":5,"runs":[{"tests":[` + "\n", `],"spec":{"relative":"a.cy.js"}}]}`, func(i int64) string {
		return comma(i) + fmt.Sprintf(`{"title":["Cart","pays %d"],"state":%q,"displayError":null,"attempts":[{"state":"passed"}]}`+"\n", i, either(i, "failed", "passed"))
	}},
	"cucumber": {`[{"keyword":"Feature","elements":[` + "\n", `],"name":"Cart","uri":"a.feature"}]`, func(i int64) string {
		return comma(i) + fmt.Sprintf(`{"id":"cart","keyword":"Scenario","name":"pays %d","line":10,"type":"scenario","steps":[{"keyword":"When ","name":"I pay","line":11,"match":{"location":"a.js:10"},"result":{"status":%q,"duration":2000000,"error_message":%q}}]}`+"\n", i, either(i, "failed", "passed"), either(i, trace, ""))
	}},
	"ctrf": {`{"reportFormat":"CTRF","results":{"tool":{"name":"x"},"tests":[` + "\n", `]}}`, func(i int64) string {
		return comma(i) + fmt.Sprintf(`{"name":"pays %d","status":%q,"duration":150,"suite":["Cart"],"trace":%q}`+"\n", i, either(i, "failed", "passed"), either(i, trace, ""))
	}},
	"gotest": {"", "", func(i int64) string {
		return fmt.Sprintf(`{"Time":"2024-01-02T10:00:00Z","Action":"run","Package":"example.com/shop","Test":"TestPays%d"}
{"Time":"2024-01-02T10:00:00Z","Action":"output","Package":"example.com/shop","Test":"TestPays%d","Output":%q}
{"Time":"2024-01-02T10:00:00Z","Action":%q,"Package":"example.com/shop","Test":"TestPays%d","Elapsed":0.01}
`, i, i, "    cart_test.go:5: "+trace, either(i, "fail", "pass"), i)
	}},
	"tap": {"TAP version 13\n", "1..5\n", func(i int64) string {
		return either(i, "not ok", "ok") + fmt.Sprintf(" %d - pays %d\n", i+1, i) + either(i, "  ---\n  message: no\n  stack: |\n    "+strings.ReplaceAll(trace, "\n", "\n    ")+"\n  ...\n", "")
	}},
	"dart": {`{"protocolVersion":"0.1.1","type":"start","time":0}` + "\n", `{"success":true,"type":"done","time":9}` + "\n", func(i int64) string {
		return fmt.Sprintf(`{"test":{"id":%d,"name":"pays %d","suiteID":0,"groupIDs":[],"line":5},"type":"testStart","time":%d}
{"testID":%d,"messageType":"print","message":%q,"type":"print","time":1}
{"testID":%d,"result":%q,"skipped":false,"hidden":false,"type":"testDone","time":%d}
`, i, i, i, i, trace, i, either(i, "failure", "success"), i+1)
	}},
}

// trace is what a failed test says.
var trace = strings.Repeat("at com.example.shop.Cart.pay(Cart.java:123) [shop.jar]\n", 8)

func either(i int64, tenth, other string) string {
	if i%10 == 0 {
		return tenth
	}
	return other
}

func comma(i int64) string {
	if i == 0 {
		return ""
	}
	return ","
}

// generated is a file of a dialect, made as it is read.
type generated struct {
	d            dialect
	tests, bytes int64 // it ends when it has as many of either
	made, read   int64
	part         []byte
	ended        bool
}

// Read implements io.Reader.
func (g *generated) Read(p []byte) (int, error) {
	for len(g.part) == 0 {
		switch {
		case g.ended:
			return 0, io.EOF
		case g.read == 0:
			g.part = append(g.part[:0], g.d.head...)
			g.read = 1
		case g.made == g.tests || g.bytes > 0 && g.read > g.bytes:
			g.ended = true
			g.part = append(g.part[:0], g.d.tail...)
		default:
			// Many at once, so that the reading is what takes the time.
			g.part = g.part[:0]
			for i := 0; i < 64 && g.made != g.tests; i++ {
				g.part = append(g.part, g.d.test(g.made)...)
				g.made++
			}
		}
	}
	n := copy(p, g.part)
	g.part = g.part[n:]
	g.read += int64(n)
	return n, nil
}
