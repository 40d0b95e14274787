package xml

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"inplace/merge/tree"
)

// FuzzParse: no text makes Parse panic, and a tree that it returns covers the text.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("../../../shared/corpus/merge/case-*/base.xml")
	if err != nil {
		f.Fatal(err)
	}
	for _, name := range files {
		data, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		if len(data) < 8<<10 {
			f.Add(data)
		}
	}
	for _, s := range []string{
		"<a/>", "<a></a>", "<a b='1' c=\"2\"/>", "<a>text</a>", "<a> t <b/> u </a>", "<a>\n t\n <b/><b/></a>",
		"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>\r\n<!-- \xe9 -->\r\n<a>\xe9</a>\r\n<!-- end -->",
		"<!DOCTYPE a [<!ENTITY x \"<b>]></b>\"> <!-- ' --> <?p '?> ]>\n<a>&x;&amp;&#65;&#x41;</a>",
		"<a><![CDATA[ <b> ]]></a>", "<a xml:space='preserve'> <b/> </a>",
		"<a><b/> <!-- c --><?pi x?><c/><!-- d\n --></a>", "\n\n  <!-- c --> <a/>\n\n", "<a><n:b x:c='d'/></n:b></a>",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := Parse(data)
		if err != nil {
			return
		}
		if err := tree.Verify(data, n); err != nil {
			t.Fatal(err)
		}
		if got := tree.Print(data, n); !bytes.Equal(got, data) {
			t.Fatalf("printed\n%q\nwant\n%q", got, data)
		}
	})
}
