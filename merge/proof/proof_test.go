package proof_test

import (
	"strings"
	"testing"

	"inplace/merge"
	"inplace/merge/proof"
)

// Each of these merges by lines without a conflict, and wrongly: both sides added
// the same thing at two places. They are the silent mis-merges that were found in
// merges of real files.
func TestSilentMisMerges(t *testing.T) {
	for _, c := range []struct{ name, format, base, ours, theirs, want string }{
		{"one YAML key", "yaml",
			"replicas: 1\n\nimage: x\n\nport: 1\n",
			"replicas: 1\nrevisionHistoryLimit: 3\n\nimage: x\n\nport: 1\n",
			"replicas: 1\n\nimage: x\n\nrevisionHistoryLimit: 10\nport: 1\n",
			"document 1/revisionHistoryLimit: stands 2 times"},
		{"one YAML key in a block", "yaml",
			"service:\n  type: a\n  port: 1\n  name: x\n",
			"service:\n  externalTrafficPolicy: Local\n  type: a\n  port: 1\n  name: x\n",
			"service:\n  type: a\n  port: 1\n  externalTrafficPolicy: Local\n  name: x\n",
			"document 1/service/externalTrafficPolicy: stands 2 times"},
		{"one env key", "env",
			"A=1\nB=2\nC=3\n",
			"A=1\nPHP_WORKER_INSTALL_MSSQL=true\nB=2\nC=3\n",
			"A=1\nB=2\nPHP_WORKER_INSTALL_MSSQL=false\nC=3\n",
			"PHP_WORKER_INSTALL_MSSQL: stands 2 times"},
		{"one appender, two patterns", "properties",
			"log4j.appender.a=Console\nlog4j.appender.a.layout=P\nlog4j.rootLogger=INFO\nx=1\n",
			"log4j.appender.a=Console\nlog4j.appender.a.layout=P\nlog4j.appender.a.layout.ConversionPattern=%m\nlog4j.rootLogger=INFO\nx=1\n",
			"log4j.appender.a=Console\nlog4j.appender.a.layout=P\nlog4j.rootLogger=INFO\nlog4j.appender.a.layout.ConversionPattern=%d\nx=1\n",
			"log4j.appender.a.layout.ConversionPattern: stands 2 times"},
		{"one key in an INI section", "ini",
			"[mysqld]\na=1\nb=2\nc=3\n",
			"[mysqld]\nmax_connections=24\na=1\nb=2\nc=3\n",
			"[mysqld]\na=1\nb=2\nmax_connections=8\nc=3\n",
			"section mysqld/max_connections: stands 2 times"},
		{"one TOML table", "toml",
			"[a]\nx = 1\n\n[b]\ny = 1\n",
			"[server]\nport = 1\n\n[a]\nx = 1\n\n[b]\ny = 1\n",
			"[a]\nx = 1\n\n[server]\nport = 2\n\n[b]\ny = 1\n",
			"merged: not toml"},
		{"one Maven list item", "xml",
			"<features>\n<feature><i>a</i></feature>\n<feature><i>b</i></feature>\n<feature><i>c</i></feature>\n</features>\n",
			"<features>\n<feature><i>n</i></feature>\n<feature><i>a</i></feature>\n<feature><i>b</i></feature>\n<feature><i>c</i></feature>\n</features>\n",
			"<features>\n<feature><i>a</i></feature>\n<feature><i>b</i></feature>\n<feature><i>n</i></feature>\n<feature><i>c</i></feature>\n</features>\n",
			"features/feature: an entry stands more often"},
		{"one JSON key", "json",
			"{\n\"a\": 1,\n\"b\": 2,\n\"c\": 3\n}\n",
			"{\n\"new\": 1,\n\"a\": 1,\n\"b\": 2,\n\"c\": 3\n}\n",
			"{\n\"a\": 1,\n\"b\": 2,\n\"new\": 1,\n\"c\": 3\n}\n",
			"new: stands 2 times"},
		{"one YAML list value", "yaml",
			"l:\n- a\n- b\n- c\n", "l:\n- n\n- a\n- b\n- c\n", "l:\n- a\n- b\n- n\n- c\n",
			"document 1/l/[item]: stands 2 times"},
	} {
		r := merge.Merge([]byte(c.base), []byte(c.ours), []byte(c.theirs), merge.Options{})
		if !r.Clean() {
			t.Errorf("%s: want a clean merge by lines, got\n%s", c.name, r.Merged)
			continue
		}
		err := proof.Check(c.format, []byte(c.base), []byte(c.ours), []byte(c.theirs), r.Merged)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v for\n%s", c.name, c.want, err, r.Merged)
		}
	}
}

// Sound merges pass: each in the shortest text that shows the case.
func TestSound(t *testing.T) {
	for _, c := range []struct{ name, format, base, ours, theirs, merged string }{
		{"properties", "properties", "a=1\nb=2\n", "a = 9\nb=2\n", "a=1\nb=3\nc=4\n", "a = 9\nb=3\nc=4\n"},
		{"properties, other spelling", "properties", "a:1\nb=x\\\n  y\n", "a 1\nb=xy\nc=1\n", "a:2\nb=x\\\n  y\n", "a 2\nb=xy\nc=1\n"},
		{"properties, blanks at the end", "properties", "a=1 \n", "a=1\nb=1\n", "a=2\n", "a=2\nb=1\n"},
		{"properties, a key that an input doubles", "properties", "a=1\na=2\n", "a=1\na=2\nb=1\n", "a=1\na=2\nc=1\n", "a=1\na=2\nb=1\nc=1\n"},
		{"properties, each side removes another double", "properties", "a=1\na=2\nb=1\n", "a=1\nb=1\n", "a=2\nb=1\n", "b=1\n"},
		{"ini", "ini", "[s]\na=1\n[t]\na=1\n", "[s]\na=2\n[t]\na=1\n", "[s]\na=1\n[t]\na=1\nskip\n", "[s]\na=2\n[t]\na=1\nskip\n"},
		{"ini, repeated keys", "ini", "[s]\nextension=a\nextension=b\n", "[s]\nextension=a\nextension=b\nextension=c\n", "[s]\nextension=b\n", "[s]\nextension=b\nextension=c\n"},
		{"env", "env", "A=1\nB='x\ny'\n", "A=2\nB='x\ny'\n", "A=1\nB='x\nz'\nexport C=1\n", "A=2\nB='x\nz'\nexport C=1\n"},
		{"xml attribute and element", "xml", "<a><b x='1'/><c/></a>", "<a><b x='2'/><c/></a>", "<a><b x='1'/><c/><d/></a>", "<a><b x='2'/><c/><d/></a>"},
		{"xml renamed by ours, changed by theirs", "xml", "<a><b name='n' x='1'/><c/></a>", "<a><b name='m' x='1'/><c/></a>", "<a><b name='n' x='2'/><c/></a>", "<a><b name='m' x='2'/><c/></a>"},
		{"xml renamed by theirs, changed by ours", "xml", "<a><b name='n' x='1'/><c/></a>", "<a><b name='n' x='2'/><c/></a>", "<a><b name='m' x='1'/><c/></a>", "<a><b name='m' x='2'/><c/></a>"},
		{"xml attributes in another order", "xml", "<a><v x='1' y='2'/><v/></a>", "<a><v y='2' x='1'/><v/></a>", "<a><v x='1' y='3'/><v/></a>", "<a><v y='3' x='1'/><v/></a>"},
		{"xml lists", "xml", "<a><v>1</v><v>2</v></a>", "<a><v>1</v><v>2</v><v>o</v></a>", "<a><v>t</v><v>2</v></a>", "<a><v>t</v><v>2</v><v>o</v></a>"},
		{"yaml list by name", "yaml", "l: [{name: a, v: 1}, {name: b, v: 1}]", "l: [{name: a, v: 2}, {name: b, v: 1}]", "l: [{name: a, v: 1}, {name: b, v: 3}]", "l: [{name: a, v: 2}, {name: b, v: 3}]"},
		{"yaml list of one list", "yaml", "l: [[a, b]]\nm: 1\n", "l: [[a, b, c]]\nm: 1\n", "l: [[a, b]]\nm: 2\n", "l: [[a, b, c]]\nm: 2\n"},
		{"xml namespace raised by theirs", "xml", "<a xmlns='u:1'><b>1</b></a>", "<a xmlns='u:1'><b>2</b></a>", "<a xmlns='u:2'><b>1</b></a>", "<a xmlns='u:2'><b>2</b></a>"},
		{"byte order mark of ours, first line removed by theirs", "yaml", "a: 1\nb: 1\nc: 1\n", "\uFEFFa: 1\nb: 1\nc: 2\n", "b: 1\nc: 1\n", "\uFEFFb: 1\nc: 2\n"},
		{"toml text over lines, CRLF in ours", "toml", "a = \"\"\"\nx\ny\"\"\"\nb = 1\n", "a = \"\"\"\r\nx\r\ny\"\"\"\r\nb = 2\r\n", "a = \"\"\"\nx\nz\"\"\"\nb = 1\n", "a = \"\"\"\r\nx\r\nz\"\"\"\r\nb = 2\r\n"},
		{"yaml documents", "yaml", "a: 1\n---\nb: 1\n", "a: 2\n---\nb: 1\n", "a: 1\n---\nb: 2\n", "a: 2\n---\nb: 2\n"},
		{"yaml aliases", "yaml", "a: &x {b: 1}\nc: *x\n", "a: &x {b: 2}\nc: *x\n", "a: &x {b: 1}\nc: *x\nd: 1\n", "a: &x {b: 2}\nc: *x\nd: 1\n"},
		{"yaml quotes changed by ours", "yaml", "a: x\nb: 1\n", "a: 'x'\nb: 1\n", "a: x\nb: 2\n", "a: 'x'\nb: 2\n"},
		{"json", "json", `{"a":1,"b":[1,2]}`, `{"a":2,"b":[1,2]}`, `{"a":1,"b":[1,2,3]}`, `{"a":2,"b":[1,2,3]}`},
		{"jsonc", "jsonc", "{/*x*/\"a\":1,}", "{/*x*/\"a\":2,}", "{/*x*/\"a\":1,\"b\":1,}", "{\"a\":2,\"b\":1,}"},
		{"toml", "toml", "[a]\nb = 1\n", "a.b = 2\n", "[a]\nb = 1\nc = 1979-05-27\n", "a.b = 2\na.c = 1979-05-27\n"},
		{"both delete and both change alike", "properties", "a=1\nb=1\nc=1\n", "a=2\nc=1\nd=1\n", "a=2\nc=2\n", "a=2\nc=2\nd=1\n"},
		{"comment removed by theirs", "properties", "# c\na=1\n", "# c\na=2\n", "a=1\n", "a=2\n"},
		{"no base", "properties", "", "a=1\n", "a=1\nb=1\n", "a=1\nb=1\n"},
		{"a base of another kind", "json", "nonsense", `{"a":1}`, `{"a":1,"b":2}`, `{"a":1,"b":2}`},
		{"ours is not of the format", "json", "{}", "{", "{}", "{"},
		{"theirs is not of the format", "xml", "<a/>", "<a/>", "<a", "<a"},
		{"unknown format", "lines", "a", "b", "c", "anything"},
		{"markers that an input has", "lines", "a", "<<<<<<< x", "c", "<<<<<<< x"},
	} {
		err := proof.Check(c.format, []byte(c.base), []byte(c.ours), []byte(c.theirs), []byte(c.merged))
		if err != nil {
			t.Errorf("%s: want no fault, got %v", c.name, err)
		}
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct{ name, format, base, ours, theirs, merged, want string }{
		{"change of ours lost", "properties", "a=1\n", "a=2\n", "a=1\nb=1\n", "a=1\nb=1\n", "a: the merged text does not have it as in ours"},
		{"change of theirs lost", "ini", "[s]\na=1\n", "[s]\na=1\nb=1\n", "[s]\na=2\n", "[s]\na=1\nb=1\n", "section s/a: the merged text does not have it as in theirs"},
		{"removal of theirs lost", "env", "A=1\nB=1\n", "A=2\nB=1\n", "A=1\n", "A=2\nB=1\n", "B: the merged text does not have it as in theirs"},
		{"what nobody changed", "toml", "a=1\nb=1\n", "a=2\nb=1\n", "a=1\nb=1\nc=1\n", "a=2\nb=3\nc=1\n", "b: the merged text does not have it as in both sides"},
		{"one key, two values", "json", `{"a":1}`, `{"a":2}`, `{"a":3}`, `{"a":2}`, "a: both sides changed it differently"},
		{"one key, two types", "json", `{"a":1}`, `{"a":"1"}`, `{"a":1,"b":1}`, `{"a":1,"b":1}`, "a: the merged text does not have it as in ours"},
		{"key out of its block", "yaml", "a:\n  b: 1\nc: 1\n", "a:\n  b: 1\n  d: 1\nc: 1\n", "a:\n  b: 2\nc: 1\n", "a:\n  b: 2\nd: 1\nc: 1\n", "document 1/a/d: the merged text does not have it as in ours"},
		{"setting below a removed block", "xml", "<a><b><c/></b><d/></a>", "<a><b><c x='1'/></b><d/></a>", "<a><d/></a>", "<a><b><c x='1'/></b><d/></a>", "a/b: the merged text does not have it as in theirs"},
		{"entry of a list lost", "xml", "<a><v>1</v><v>2</v></a>", "<a><v>1</v><v>2</v><v>3</v></a>", "<a><v>0</v><v>2</v></a>", "<a><v>0</v><v>2</v></a>", "a/v: an entry is not in the merged text"},
		{"entry of a list added by theirs lost", "xml", "<a><v>1</v><v>2</v></a>", "<a><v>1</v><v>2</v><v>3</v></a>", "<a><v>0</v><v>1</v><v>2</v></a>", "<a><v>1</v><v>2</v><v>3</v></a>", "a/v: an entry is not in the merged text"},
		{"rename of ours lost", "xml", "<a><b name='n'/><c/></a>", "<a><b name='m'/><c/></a>", "<a><b name='n'/><c x='1'/></a>", "<a><b name='n'/><c x='1'/></a>", "@name: the merged text does not have it as in ours"},
		{"anchor lost", "yaml", "a: &x {b: 1}\n", "a: &x {b: 1}\nc: 1\n", "a: &x {b: 2}\n", "a: {b: 2}\nc: 1\n", "document 1/a/&"},
		{"comment of ours lost", "properties", "a=1\n", "# mine\na=1\n", "a=2\n", "a=2\n", "a comment of ours is gone"},
		{"comment of ours lost in XML", "xml", "<a/>", "<a><!-- mine --></a>", "<a b='1'/>", "<a b='1'/>", "a comment of ours is gone"},
		{"value not shown", "yaml", "l: [a]", "l: [a, secret]", "l: [b]", "l: [b]", "document 1/l/[item]: the merged text does not have it as in ours"},
		{"doubled without a base", "properties", "", "a=1\n", "a=2\n", "a=1\na=2\n", "a: stands 2 times"},
		{"no more strict JSON", "json", "{}", `{"a":1}`, `{"b":1}`, `{"a":1,"b":1,}`, "merged: not json"},
		{"joined lines", "xml", "<a/>", "<a><b/></a>", "<a><c/></a>", "<a><b/><c/>", "merged: not xml"},
		{"item that nothing names, mixed of both", "yaml", "l: [{a: 1, b: 1}]", "l: [{a: 2, b: 1}]", "l: [{a: 1, b: 2}]", "l: [{a: 2, b: 2}]", "an entry stands more often"},
		{"key that ours removed from a block that both renamed alike", "yaml", "c: [{name: a, i: 1, j: 1}]", "c: [{name: n, i: 1}]", "c: [{name: n, i: 1, j: 1}]", "c: [{name: n, i: 1, j: 1}]", "j: the merged text does not have it as in ours"},
		{"prefix without its declaration", "xml", "<a xmlns:p='u'><p:b/></a>", "<a xmlns:p='u'><p:b/><p:c/></a>", "<a/>", "<a><p:c/></a>", "undeclared prefix p"},
		{"bytes of two encodings", "xml", "<?xml version='1.0' encoding='ISO-8859-1'?><a/>", "<?xml version='1.0' encoding='UTF-8'?><a/>", "<?xml version='1.0' encoding='ISO-8859-1'?><!-- \xFC --><a/>",
			"<?xml version='1.0' encoding='UTF-8'?><!-- \xFC --><a/>", "the texts are in different encodings: iso-8859-1 and utf-8, with bytes that are none"},
		{"markers left", "lines", "a", "b", "c", "x\n>>>>>>> theirs\n", "conflict markers are left"},
	} {
		err := proof.Check(c.format, []byte(c.base), []byte(c.ours), []byte(c.theirs), []byte(c.merged))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: want %q, got %v", c.name, c.want, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: a value is shown: %v", c.name, err)
		}
	}
}

// Faults are told in the order of the texts, the same each time, and not without end.
func TestFaultsAreOrderedAndFew(t *testing.T) {
	var base, ours strings.Builder
	for i := range 50 {
		name := "[" + strings.Repeat("k", i+1) + "]\n"
		base.WriteString(name + "a=1\n")
		ours.WriteString(name + "a=2\n")
	}
	check := func() string {
		return proof.Check("ini", []byte(base.String()), []byte(ours.String()), []byte(base.String()+"b=1\n"), []byte(base.String()+"b=1\n")).Error()
	}
	first := check()
	if n := strings.Count(first, "\n") + 1; n != 10 || !strings.HasPrefix(first, "section k/a: ") {
		t.Errorf("want 10 faults beginning with the first key, got %d:\n%s", n, first)
	}
	if again := check(); again != first {
		t.Errorf("want the same faults again, got\n%s\nand\n%s", first, again)
	}
}
