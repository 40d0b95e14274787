package xml_test

import (
	"strings"
	"testing"

	"inplace/merge"
	"inplace/merge/formats"
)

// row is one merge. want is the merged text; conflict, if set, is in the path or reason of
// a conflict instead, with the sides swapped too unless it is oneWay.
type row struct {
	name, base, ours, theirs, want, conflict string
	oneWay                                   bool
}

func run(t *testing.T, rows []row) {
	t.Helper()
	for _, c := range rows {
		r := formats.Merge("xml", []byte(c.base), []byte(c.ours), []byte(c.theirs), merge.Options{})
		if c.conflict == "" {
			if !r.Clean() || string(r.Merged) != c.want {
				t.Errorf("%s: want\n%s\ngot\n%s\nconflicts %+v", c.name, c.want, r.Merged, r.Conflicts)
			}
			continue
		}
		found := false
		for _, k := range r.Conflicts {
			found = found || strings.Contains(k.Key+": "+k.Reason, c.conflict)
		}
		if !found || r.Method == merge.MethodLines {
			t.Errorf("%s: want a conflict by structure about %s, got %s\n%s\nconflicts %+v", c.name, c.conflict, r.Method, r.Merged, r.Conflicts)
		}
		swapped := formats.Merge("xml", []byte(c.base), []byte(c.theirs), []byte(c.ours), merge.Options{})
		if swapped.Clean() && !c.oneWay {
			t.Errorf("%s: clean with the sides swapped:\n%s", c.name, swapped.Merged)
		}
	}
}

func TestMergeKeys(t *testing.T) {
	run(t, []row{
		{name: "adjacent attributes",
			base:   `<Server port="8005" shutdown="SHUTDOWN"><a/></Server>`,
			ours:   `<Server port="9005" shutdown="SHUTDOWN"><a/></Server>`,
			theirs: `<Server port="8005" shutdown="STOP"><a/></Server>`,
			want:   `<Server port="9005" shutdown="STOP"><a/></Server>`},
		{name: "adjacent attributes on lines of their own",
			base:   "<s>\n  <Connector port=\"8080\"\n             timeout=\"20\"\n             redirect=\"8443\" />\n</s>\n",
			ours:   "<s>\n  <Connector port=\"80\"\n             timeout=\"20\"\n             redirect=\"8443\" />\n</s>\n",
			theirs: "<s>\n  <Connector port=\"8080\"\n             timeout=\"30\"\n             max=\"5\"\n             redirect=\"8443\" />\n</s>\n",
			want:   "<s>\n  <Connector port=\"80\"\n             timeout=\"30\"\n             max=\"5\"\n             redirect=\"8443\" />\n</s>\n"},
		{name: "both add an element at one place",
			base:   "<users>\n  <user username=\"a\"/>\n</users>\n",
			ours:   "<users>\n  <user username=\"a\"/>\n  <user username=\"o\"/>\n</users>\n",
			theirs: "<users>\n  <user username=\"a\"/>\n  <user username=\"t\"/>\n</users>\n",
			want:   "<users>\n  <user username=\"a\"/>\n  <user username=\"t\"/>\n  <user username=\"o\"/>\n</users>\n"},
		{name: "both add one element at two places",
			base:   "<f>\n  <a/>\n  <b/>\n</f>\n",
			ours:   "<f>\n  <feature name='x'/>\n  <a/>\n  <b/>\n</f>\n",
			theirs: "<f>\n  <a/>\n  <b/>\n  <feature name=\"x\"/>\n</f>\n",
			want:   "<f>\n  <feature name='x'/>\n  <a/>\n  <b/>\n</f>\n"},
		{name: "both add one nameless block",
			base:   "<f>\n  <feature><id2>a</id2></feature>\n</f>\n",
			ours:   "<f>\n  <feature><id2>n</id2></feature>\n  <feature><id2>a</id2></feature>\n</f>\n",
			theirs: "<f>\n  <feature><id2>a</id2></feature>\n  <feature><id2>n</id2></feature>\n  <feature><id2>t</id2></feature>\n</f>\n",
			want:   "<f>\n  <feature><id2>n</id2></feature>\n  <feature><id2>t</id2></feature>\n  <feature><id2>a</id2></feature>\n</f>\n"},
		{name: "both edit one attribute alike, quotes apart",
			base: `<a b="1" c="1"/>`, ours: `<a b='2' c="1"/>`, theirs: `<a b="2" c="3"/>`, want: `<a b='2' c="3"/>`},
		{name: "an empty element gets content",
			base: "<a>\n  <b x=\"1\"/>\n</a>\n", ours: "<a>\n  <b x=\"2\"/>\n</a>\n",
			theirs: "<a>\n  <b x=\"1\">\n    <c/>\n  </b>\n</a>\n",
			want:   "<a>\n  <b x=\"2\">\n    <c/>\n  </b>\n</a>\n"},
		{name: "an element gets its first attribute",
			base: "<a><b/><c>1</c></a>", ours: "<a><b/><c>2</c></a>", theirs: "<a><b x='1'/><c y='1'>1</c></a>",
			want: "<a><b x='1'/><c y='1'>2</c></a>"},
		{name: "Hadoop properties",
			base:   "<configuration>\n<property><name>a</name><value>1</value></property>\n<property><name>b</name><value>1</value></property>\n</configuration>\n",
			ours:   "<configuration>\n<property><name>a</name><value>2</value></property>\n<property><name>b</name><value>1</value></property>\n</configuration>\n",
			theirs: "<configuration>\n<property><name>b</name><value>3</value></property>\n<property><name>a</name><value>1</value><final>true</final></property>\n</configuration>\n",
			want:   "<configuration>\n<property><name>a</name><value>2</value><final>true</final></property>\n<property><name>b</name><value>3</value></property>\n</configuration>\n"},
		{name: "the port of one of two Connectors",
			base:   `<S><Connector port="8080" a="1"/><Connector port="8009" a="1"/></S>`,
			ours:   `<S><Connector port="80" a="1"/><Connector port="8009" a="1"/></S>`,
			theirs: `<S><Connector port="8080" a="2"/><Connector port="8009" a="3"/></S>`,
			want:   `<S><Connector port="80" a="2"/><Connector port="8009" a="3"/></S>`},
		{name: "Maven artifacts of two groups",
			base:   "<p><d><groupId>g</groupId><artifactId>x</artifactId><version>1</version></d><d><groupId>h</groupId><artifactId>x</artifactId><version>1</version></d></p>",
			ours:   "<p><d><groupId>g</groupId><artifactId>x</artifactId><version>2</version></d><d><groupId>h</groupId><artifactId>x</artifactId><version>1</version></d></p>",
			theirs: "<p><d><groupId>g</groupId><artifactId>x</artifactId><version>1</version></d><d><groupId>h</groupId><artifactId>x</artifactId><version>3</version></d></p>",
			want:   "<p><d><groupId>g</groupId><artifactId>x</artifactId><version>2</version></d><d><groupId>h</groupId><artifactId>x</artifactId><version>3</version></d></p>"},
	})
}

func TestMergeForm(t *testing.T) {
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	plain := "<a>\n  <b x=\"1\"/>\n  <c>one</c>\n</a>\n"
	edited := strings.Replace(plain, `x="1"`, `x="2"`, 1)
	run(t, []row{
		{name: "theirs indents anew",
			base: plain, ours: edited,
			theirs: "<a>\n\t<b\n\t\tx='1'\n\t/>\n\t<c>\n\t\tone\n\t</c>\n\t<d>\n\t\t<e/>\n\t</d>\n</a>\n",
			want:   "<a>\n  <b x=\"2\"/>\n  <c>one</c>\n  <d>\n  \t<e/>\n  </d>\n</a>\n"},
		{name: "theirs indents anew, and blocks that ours left alone",
			base:   "<a>\n  <b x=\"1\"/>\n  <c>\n    <d/>\n  </c>\n  <e>1</e>\n</a>\n",
			ours:   "<a>\n  <b x=\"2\"/>\n  <c>\n    <d/>\n  </c>\n  <e>1</e>\n</a>\n",
			theirs: "<a>\n\t<b x=\"1\"/>\n\t<c>\n\t\t<d/>\n\t</c>\n\t<e>2</e>\n</a>\n",
			want:   "<a>\n  <b x=\"2\"/>\n  <c>\n    <d/>\n  </c>\n  <e>2</e>\n</a>\n"},
		{name: "new blocks in a text that has one block behind another on its line",
			base:   "<f>\n  <m>1</m>\n- <m>2</m>\n</f>\n",
			ours:   "<f>\n  <m>1</m>\n- <m>2</m>\n  <o/>\n- </f>\n",
			theirs: "<f>\n  <m>1</m>\n- <m>2</m>\n</f>\n",
			want:   "<f>\n  <m>1</m>\n- <m>2</m>\n  <o/>\n- </f>\n"},
		{name: "ours indents anew",
			base: plain, ours: "<a>\n    <b x=\"1\"/>\n    <c>one</c>\n</a>\n",
			theirs: "<a>\n  <b x=\"2\"/>\n  <n/>\n  <c>one</c>\n</a>\n",
			want:   "<a>\n    <b x=\"2\"/>\n    <n/>\n    <c>one</c>\n</a>\n"},
		{name: "ours has CRLF",
			base: plain, ours: crlf(edited), theirs: "<a>\n  <b x=\"1\"/>\n  <c>two</c>\n  <d>\n    <e/>\n  </d>\n</a>\n",
			want: crlf("<a>\n  <b x=\"2\"/>\n  <c>two</c>\n  <d>\n    <e/>\n  </d>\n</a>\n")},
		{name: "theirs has CRLF", base: plain, ours: edited, theirs: crlf(plain), want: edited},
		{name: "ours has a byte order mark", base: plain, ours: "\uFEFF" + edited, theirs: strings.Replace(plain, "one", "two", 1),
			want: "\uFEFF" + strings.Replace(edited, "one", "two", 1)},
		{name: "no last line end in ours", base: plain, ours: strings.TrimSuffix(edited, "\n"), theirs: strings.Replace(plain, "one", "two", 1),
			want: strings.TrimSuffix(strings.Replace(edited, "one", "two", 1), "\n")},
		{name: "theirs puts keys into another order",
			base: `<a><b x="1" y="1"/><c/><d>1</d></a>`, ours: `<a><b x="2" y="1"/><c/><d>1</d></a>`, theirs: `<a><d>2</d><c/><b y="3" x="1"/></a>`,
			want: `<a><b x="2" y="3"/><c/><d>2</d></a>`},
		{name: "references and CDATA mean the same",
			base: `<a b="x&amp;y"><c>1 &lt; 2</c><d/></a>`, ours: `<a b="x&#38;y"><c><![CDATA[1 < 2]]></c><d/></a>`, theirs: `<a b='x&#x26;y'><c>1 &lt; 2</c><d e=""/></a>`,
			want: `<a b="x&#38;y"><c><![CDATA[1 < 2]]></c><d e=""/></a>`},
		{name: "theirs adds a declaration before the head comment",
			base: "<!-- head -->\n<a><b>1</b>\n</a>\n", ours: "<!-- head -->\n<a><b>2</b>\n</a>\n",
			theirs: "<?xml version=\"1.0\"?>\n<!-- head -->\n<a><b>1</b><c/>\n</a>\n",
			want:   "<?xml version=\"1.0\"?>\n<!-- head -->\n<a><b>2</b><c/>\n</a>\n"},
		{name: "theirs declares UTF-8 instead of ISO-8859-1",
			base: "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a b=\"1\" c=\"1\"/>\n", ours: "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a b=\"2\" c=\"1\"/>\n",
			theirs: "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b=\"1\" c=\"2\"/>\n",
			want:   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b=\"2\" c=\"2\"/>\n"},
		{name: "ISO-8859-1 stays as it is",
			base: "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a b=\"\xe9\" c=\"1\"/>\n", ours: "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a b=\"\xe8\" c=\"1\"/>\n",
			theirs: "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a b=\"\xe9\" c=\"\xe0\"/>\n",
			want:   "<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a b=\"\xe8\" c=\"\xe0\"/>\n"},
		{name: "an entity of the document's own",
			base: "<!DOCTYPE a [ <!ENTITY e \"x\"> ]>\n<a b=\"&e;\" c=\"1\">&e;</a>\n", ours: "<!DOCTYPE a [ <!ENTITY e \"x\"> ]>\n<a b=\"&e;\" c=\"2\">&e;</a>\n",
			theirs: "<!DOCTYPE a [ <!ENTITY e \"y\"> ]>\n<a b=\"&amp;e;\" c=\"1\">&e;</a>\n",
			want:   "<!DOCTYPE a [ <!ENTITY e \"y\"> ]>\n<a b=\"&amp;e;\" c=\"2\">&e;</a>\n"},
		{name: "CDATA is not indented anew",
			base: "<a>\n <s>1</s>\n <t/>\n</a>\n", ours: "<a>\n    <s>1</s>\n    <t u=\"1\"/>\n</a>\n", theirs: "<a>\n <s><![CDATA[\n x\n  y]]></s>\n <t/>\n</a>\n",
			want: "<a>\n    <s><![CDATA[\n x\n  y]]></s>\n    <t u=\"1\"/>\n</a>\n"},
	})
}

func TestMergeComments(t *testing.T) {
	run(t, []row{
		{name: "head comment changed by theirs",
			base: "<?xml version=\"1.0\"?>\n<!-- 2019 -->\n<a b=\"1\"/>\n", ours: "<?xml version=\"1.0\"?>\n<!-- 2019 -->\n<a b=\"2\"/>\n",
			theirs: "<?xml version=\"1.0\"?>\n<!-- 2024 -->\n<a b=\"1\"/>\n", want: "<?xml version=\"1.0\"?>\n<!-- 2024 -->\n<a b=\"2\"/>\n"},
		{name: "head comment changed by both",
			base: "<!-- 2019 -->\n<a b=\"1\" c=\"1\"/>\n", ours: "<!-- mine -->\n<a b=\"2\" c=\"1\"/>\n",
			theirs: "<!-- 2024 -->\n<a b=\"1\" c=\"2\"/>\n", want: "<!-- mine -->\n<a b=\"2\" c=\"2\"/>\n"},
		{name: "ours puts a commented-out block in use, theirs changes the block",
			base:   "<s>\n  <!-- TLS -->\n  <!--\n  <Connector port=\"8443\"/>\n  -->\n  <Engine name=\"e\"/>\n</s>\n",
			ours:   "<s>\n  <!-- TLS -->\n  <Connector port=\"8443\" mine=\"1\"/>\n  <Engine name=\"e\"/>\n</s>\n",
			theirs: "<s>\n  <!-- TLS -->\n  <!--\n  <Connector port=\"8443\" new=\"1\"/>\n  -->\n  <Engine name=\"e\" x=\"1\"/>\n</s>\n",
			want:   "<s>\n  <!-- TLS -->\n  <Connector port=\"8443\" mine=\"1\"/>\n  <Engine name=\"e\" x=\"1\"/>\n</s>\n"},
		{name: "commented-out block next to a live one",
			base:   "<s>\n  <v n=\"1\"/>\n  <!-- <v n=\"2\"/> -->\n  <w/>\n</s>\n",
			ours:   "<s>\n  <v n=\"9\"/>\n  <!-- <v n=\"2\"/> -->\n  <w/>\n</s>\n",
			theirs: "<s>\n  <v n=\"1\"/>\n  <!-- <v n=\"3\"/> -->\n  <w/>\n</s>\n",
			want:   "<s>\n  <v n=\"9\"/>\n  <!-- <v n=\"3\"/> -->\n  <w/>\n</s>\n"},
		{name: "comment of ours above an element that theirs changes",
			base: "<a>\n  <b>1</b>\n</a>\n", ours: "<a>\n  <!-- why -->\n  <b>1</b> <!-- here -->\n</a>\n", theirs: "<a>\n  <b>2</b>\n  <c/>\n</a>\n",
			want: "<a>\n  <!-- why -->\n  <b>2</b> <!-- here -->\n  <c/>\n</a>\n"},
		{name: "comment of ours within an element that theirs removes",
			base: "<a>\n  <b>\n    <c/>\n  </b>\n  <d/>\n</a>\n", ours: "<a>\n  <b>\n    <!-- why -->\n    <c/>\n  </b>\n  <d/>\n</a>\n", theirs: "<a>\n  <d/>\n</a>\n",
			conflict: "a/b: theirs removed it, ours wrote a comment in it", oneWay: true},
		{name: "comment of ours at the end",
			base: "<a>\n  <b>1</b>\n</a>\n", ours: "<a>\n  <b>1</b>\n  <!-- end -->\n</a>\n<!-- after -->\n", theirs: "<a>\n  <b>2</b>\n</a>\n",
			want: "<a>\n  <b>2</b>\n  <!-- end -->\n</a>\n<!-- after -->\n"},
	})
}

func TestMergeConflicts(t *testing.T) {
	run(t, []row{
		{name: "both edit one attribute", base: `<a><b x="1"/></a>`, ours: `<a><b x="2"/></a>`, theirs: `<a><b x="3"/></a>`, conflict: "a/b/@x: both"},
		{name: "both edit one text", base: `<a><b>1</b></a>`, ours: `<a><b>2</b></a>`, theirs: `<a><b>3</b></a>`, conflict: "a/b: both"},
		{name: "both add one element differently", base: "<a/>", ours: `<a><b name="n" x="1"/></a>`, theirs: `<a><c/><b name="n" x="2"/></a>`, conflict: "a/b[name=n]/@x: both"},
		{name: "both add one attribute differently", base: "<a/>", ours: `<a x="1"/>`, theirs: `<a x="2"/>`, conflict: "a/@x: both"},
		{name: "ours edits what theirs removes", base: `<a><b x="1"/><c/></a>`, ours: `<a><b x="2"/><c/></a>`, theirs: `<a><c/></a>`, conflict: "a/b: theirs removed it"},
		{name: "ours removes what theirs edits", base: `<a><b x="1"/><c/></a>`, ours: `<a><c/></a>`, theirs: `<a><b x="2"/><c/></a>`, conflict: "a/b: ours removed it"},
		{name: "both add a Valve at one place",
			base:     `<Host><Valve className="A"/><Context path="/"/></Host>`,
			ours:     `<Host><Valve className="A"/><Valve className="O"/><Context path="/"/></Host>`,
			theirs:   `<Host><Valve className="A"/><Valve className="T"/><Context path="/"/></Host>`,
			conflict: "order"},
		{name: "both put Valves into another order",
			base:     `<Host><Valve className="A"/><Valve className="B"/><Valve className="C"/></Host>`,
			ours:     `<Host><Valve className="B"/><Valve className="A"/><Valve className="C"/></Host>`,
			theirs:   `<Host><Valve className="A"/><Valve className="C"/><Valve className="B"/></Host>`,
			conflict: "order"},
		{name: "both add a filter mapping at one place",
			base:     "<web-app><filter-mapping><filter-name>a</filter-name></filter-mapping></web-app>",
			ours:     "<web-app><filter-mapping><filter-name>a</filter-name></filter-mapping><filter-mapping><filter-name>o</filter-name></filter-mapping></web-app>",
			theirs:   "<web-app><filter-mapping><filter-name>a</filter-name></filter-mapping><filter-mapping><filter-name>t</filter-name></filter-mapping></web-app>",
			conflict: "order"},
		{name: "both edit one of several nameless elements",
			base: "<a><b><c>1</c></b><b><c>2</c></b></a>", ours: "<a><b><c>o</c></b><b><c>2</c></b></a>", theirs: "<a><b><c>t</c></b><b><c>2</c></b></a>",
			conflict: "a/b: entries that cannot be told apart"},
		{name: "ours renames and edits what theirs edits and has twice",
			base: `<a><c n="1" name="f"/></a>`, ours: `<a><c n="2" name="o"/></a>`, theirs: `<a><c n="3" name="f"/><c n="4" name="f"/></a>`,
			conflict: "one side renamed it"},
		{name: "ours adds a second one beside what theirs renames",
			base: `<a><c n="1" name="f"/></a>`, ours: `<a><c n="1" name="f"/><c n="2" name="f"/></a>`, theirs: `<a><c n="1" name="t"/></a>`,
			conflict: "one side renamed it"},
		{name: "both edit mixed content", base: "<a><p>one <b>two</b> three</p></a>", ours: "<a><p>ONE <b>two</b> three</p></a>", theirs: "<a><p>one <b>two</b> THREE</p></a>", conflict: "a/p: both"},
		{name: "both change the document type",
			base: "<!DOCTYPE a SYSTEM \"1\">\n<a/>\n", ours: "<!DOCTYPE a SYSTEM \"2\">\n<a/>\n", theirs: "<!DOCTYPE a SYSTEM \"3\">\n<a/>\n", conflict: "!DOCTYPE: both"},
	})
}

func TestMergeOrder(t *testing.T) {
	run(t, []row{
		{name: "theirs adds a Valve, ours a Context",
			base:   "<Host>\n  <Valve className=\"A\"/>\n</Host>\n",
			ours:   "<Host>\n  <Valve className=\"A\"/>\n  <Context path=\"/x\"/>\n</Host>\n",
			theirs: "<Host>\n  <Valve className=\"A\"/>\n  <Valve className=\"T\"/>\n</Host>\n",
			want:   "<Host>\n  <Valve className=\"A\"/>\n  <Valve className=\"T\"/>\n  <Context path=\"/x\"/>\n</Host>\n"},
		{name: "theirs puts Valves into another order, ours edits one",
			base:   "<Host>\n  <Valve className=\"A\" x=\"1\"/>\n  <Valve className=\"B\"/>\n</Host>\n",
			ours:   "<Host>\n  <Valve className=\"A\" x=\"2\"/>\n  <Valve className=\"B\"/>\n</Host>\n",
			theirs: "<Host>\n  <Valve className=\"B\"/>\n  <Valve className=\"A\" x=\"1\"/>\n</Host>\n",
			want:   "<Host>\n  <Valve className=\"B\"/>\n  <Valve className=\"A\" x=\"2\"/>\n</Host>\n"},
		{name: "both add Valves, in one order",
			base:   "<Host>\n  <Valve className=\"A\"/>\n</Host>\n",
			ours:   "<Host>\n  <Valve className=\"A\"/>\n  <Valve className=\"N\"/>\n</Host>\n",
			theirs: "<Host>\n  <Valve className=\"A\"/>\n  <Valve className=\"N\"/>\n  <Valve className=\"T\"/>\n</Host>\n",
			want:   "<Host>\n  <Valve className=\"A\"/>\n  <Valve className=\"N\"/>\n  <Valve className=\"T\"/>\n</Host>\n"},
		{name: "arguments of a list",
			base:   "<c><args>\n  <arg>a</arg>\n  <arg>b</arg>\n</args><x/></c>\n",
			ours:   "<c><args>\n  <arg>o</arg>\n  <arg>a</arg>\n  <arg>b</arg>\n</args><x/></c>\n",
			theirs: "<c><args>\n  <arg>a</arg>\n  <arg>b</arg>\n  <arg>t</arg>\n</args><x/></c>\n",
			want:   "<c><args>\n  <arg>o</arg>\n  <arg>a</arg>\n  <arg>b</arg>\n  <arg>t</arg>\n</args><x/></c>\n"},
	})
}

// Bytes of two encodings are never mixed: not even where the text would parse.
func TestMergeEncodings(t *testing.T) {
	for _, c := range []struct{ name, base, ours, theirs string }{
		{"ours writes bytes of the encoding that theirs leaves",
			"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a b=\"1\"\n c=\"1\"\n d=\"1\"/>\n",
			"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a b=\"1\"\n c=\"1\"\n d=\"\xe9\"/>\n",
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b=\"1\"\n c=\"1\"\n d=\"1\"/>\n"},
		{"the same, and it would parse",
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b=\"1\"\n c=\"1\"\n d=\"1\"/>\n",
			"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<a b=\"1\"\n c=\"1\"\n d=\"\u00e9\"/>\n",
			"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a b=\"1\"\n c=\"1\"\n d=\"1\"/>\n"},
		{"both write bytes of their own encoding",
			"<a b=\"1\"\n c=\"1\"\n d=\"1\"/>\n", "<a b=\"1\"\n c=\"1\"\n d=\"\u00e9\"/>\n",
			"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\n<a b=\"\xe9\"\n c=\"1\"\n d=\"1\"/>\n"},
	} {
		if r := formats.Merge("xml", []byte(c.base), []byte(c.ours), []byte(c.theirs), merge.Options{}); r.Clean() {
			t.Errorf("%s: clean:\n%s", c.name, r.Merged)
		}
	}
}
