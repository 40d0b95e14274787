package xml

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"inplace/merge/tree"
)

// sketch spells a tree: kids in braces, lists in brackets, mixed content in <>.
func sketch(n *tree.Node) string {
	var parts []string
	for _, a := range n.Lead {
		parts = append(parts, "("+a.Text+")")
	}
	name := n.Key
	switch {
	case n.Quiet && n.Key == "@":
		name = ""
	case n.Quiet:
		name = "#"
	}
	if n.Kind == tree.Leaf {
		parts = append(parts, name+"="+n.Value)
	} else {
		var kids []string
		for _, k := range n.Kids {
			kids = append(kids, sketch(k))
		}
		for _, a := range n.Tail {
			kids = append(kids, "("+a.Text+")")
		}
		frame := "{}"
		if n.Kind == tree.List {
			frame = "[]"
		}
		if n.Atomic {
			frame = "<>"
		}
		parts = append(parts, name+frame[:1]+strings.Join(kids, " ")+frame[1:])
	}
	if n.Trail.End > n.Trail.Start {
		parts = append(parts, "...")
	}
	return strings.Join(parts, "")
}

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"empty", "<a/>", "{a{{} #{}}}"},
		{"attributes", `<a x="1"` + "\n\t" + `n:y = '2' />`, "{a{{@x=1 @n:y=2} #{}}}"},
		{"wrapped attribute", "<a x=' 1\n   2\t3 '/>", "{a{{@x= 1 2 3 } #{}}}"},
		{"references", `<a x="&lt;&#65;&#x42;&quot;"/>`, `{a{{@x=<AB"} #{}}}`},
		{"text", "<a> 1 &amp; 2\n\n   3 </a>", "{a{{} #=1 & 2\n3}}"},
		{"blanks alone", "<a> \n </a>", "{a{{} #{}}}"},
		{"preserved blanks", "<a xml:space='preserve'> \n </a>", "{a{{@xml:space=preserve} #= \n }}"},
		{"CDATA", "<a>x <![CDATA[ <&> ]]></a>", "{a{{} #=x  <&> }}"},
		{"comments", "<a><!-- 1 --><b/> <!-- 2 -->\n<c/><!-- 3 --><d/>\n<!-- 4 --></a>", "{a{{} #{(<!-- 1 -->)b{{} #{}}... c{{} #{}} (<!-- 3 -->)d{{} #{}} (<!-- 4 -->)}}}"},
		{"mixed", "<a>x <b/> y</a>", "{a{{} #<#text=x b{{} #{}} #text=y>}}"},
		{"a comment within a text", "<a>x<!-- c --></a>", "{a{{} #<#text=x...>}}"},
		{"one text on its line", "<a>\n -\n <b/>\n <c/>\n</a>", "{a{{} #{#text=- b{{} #{}} c{{} #{}}}}}"},
		{"prolog", "<?xml version='1.0'\tencoding='latin1'?>\n<!-- c -->\n<!DOCTYPE a [\n <!ELEMENT a (#PCDATA)> ]>\n<?p  q?>\n<a>\xe9</a>\n<!-- e -->\n",
			"{?xml{@version=1.0 @encoding=iso-8859-1} (<!-- c -->)!DOCTYPE=<!DOCTYPE a [ <!ELEMENT a (#PCDATA)> ]> ?p=<?p q?> a{{} #=é} (<!-- e -->)}"},
		{"an entity of the document's own", "<!DOCTYPE a [<!ENTITY e 'x'>]><a>&e;</a>", "{!DOCTYPE=<!DOCTYPE a [<!ENTITY e 'x'>]> a{{} #=\x00&e;}}"},
		{"a list", "<r><list><v/></list></r>", "{r{{} #{list{{} #[v{{} #{}}]}}}}"},
	} {
		n, err := Parse([]byte(c.text))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		} else if got := sketch(n); got != c.want {
			t.Errorf("%s: %q: want\n%q, got\n%q", c.name, c.text, c.want, got)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, text := range []string{
		"", " ", "a", "<a>", "<a", "</a>", "<a></b>", "<a/><b/>", "<a/>x", "<a/><!DOCTYPE a>", "<!DOCTYPE a><!DOCTYPE a><a/>",
		"<a b/>", "<a b=1/>", "<a b='1/>", "<a b='<'/>", "<a b='1' b='2'/>", "<a b='1'c='2'/>", "<a>&x;</a>", "<a>&</a>", "<a>&#0;</a>",
		"<a>]]></a>", "<a><!-- -- --></a>", "<a><!--- x ---></a>", "<a><!-- </a>", "<a><![CDATA[</a>", "<a><?x</a>", "<a/ >", "<1/>",
		" <?xml version='1.0'?><a/>", "<a><?xml version='1.0'?></a>", "<?XML?><a/>", "<a>\x01</a>", "<a>\xe9</a>",
		"<?xml version='1.0' encoding='UTF-16'?><a/>", "<?xml version='1.0' encoding='windows-1252'?><a/>",
		"<?xml version='1.0' encoding='us-ascii'?><a>\xe9</a>", "<\x00a\x00/\x00>\x00", "<!DOCTYPE a [<a/>", "<a>\uFFFF</a>",
	} {
		if n, err := Parse([]byte(text)); err == nil {
			t.Errorf("%q: want an error, got %s", text, sketch(n))
		}
	}
	deep := strings.Repeat("<a>", 100_000)
	if _, err := Parse([]byte(deep)); !errors.Is(err, tree.ErrDepth) {
		t.Errorf("100,000 levels: want %v, got %v", tree.ErrDepth, err)
	}
	limit := strings.Repeat("<a>", maxElements) + strings.Repeat("</a>", maxElements)
	if n, err := Parse([]byte(limit)); err != nil || tree.Verify([]byte(limit), n) != nil {
		t.Errorf("%d levels: want a tree, got %v", maxElements, err)
	}
}

func TestIdentity(t *testing.T) {
	for _, c := range []struct{ name, element, want string }{
		{"by name", `<x id="1" name="n"/>`, "x[name=n]"},
		{"by id", `<x class="c" id="1"/>`, "x[id=1]"},
		{"with prefix", `<n:x name="n"/>`, "n:x[name=n]"},
		{"by nothing", `<x y="n"/>`, "x"},
		{"Connector", `<Connector protocol="HTTP/1.1" port="8080"/>`, "Connector[port=8080]"},
		{"Valve", `<Valve className="V" pattern="%h"/>`, "Valve[className=V]"},
		{"Tomcat user", `<user name="x" username="u"/>`, "user[username=u]"},
		{"servlet", "<servlet><display-name>D</display-name><servlet-name>s</servlet-name></servlet>", "servlet[servlet-name=s]"},
		{"error page", "<error-page><error-code>404</error-code><location>/x</location></error-page>", "error-page[error-code=404]"},
		{"listener", "<listener><listener-class>L</listener-class></listener>", "listener[listener-class=L]"},
		{"Hadoop property", "<property><value>v</value><name>n</name></property>", "property[name=n]"},
		{"Maven dependency", "<dependency><groupId>g</groupId><artifactId>a</artifactId><classifier>c</classifier></dependency>", "dependency[artifactId=a,groupId=g,classifier=c]"},
		{"constructor argument", `<constructor-arg index="1" type="T"/>`, "constructor-arg[index=1]"},
		{"a name that is no text", "<x><name><y/></name></x>", "x"},
		{"blanks in a name", "<x name='a\n  b  c'/>", "x[name=a b c]"},
	} {
		n, err := Parse([]byte("<r>" + c.element + "</r>"))
		if err != nil {
			t.Fatal(err)
		}
		if got := n.Kids[0].Kids[1].Kids[0].Key; got != c.want {
			t.Errorf("%s: want %s, got %s", c.name, c.want, got)
		}
	}
}

// A text of one long line of many comments and elements is read in linear time.
func TestParseLong(t *testing.T) {
	text := "<a>" + strings.Repeat("<b/><!-- c -->", 50_000) + "</a>"
	n, err := Parse([]byte(text))
	if err != nil || len(n.Kids[0].Kids[1].Kids) != 50_000 {
		t.Fatal("want 50,000 elements, got", err)
	}
	attrs := &strings.Builder{}
	for i := range 100_000 {
		fmt.Fprintf(attrs, " a%d='1'", i)
	}
	if _, err := Parse([]byte("<a" + attrs.String() + "/>")); err != nil {
		t.Fatal(err)
	}
}
