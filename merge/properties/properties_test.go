package properties_test

import (
	"bytes"
	"testing"

	"inplace/merge/properties"
	"inplace/merge/tree"
)

func TestParse(t *testing.T) {
	for _, c := range []struct{ name, text, key, value string }{
		{"equals", "a=1\n", "a", "1"},
		{"colon", "a : 1", "a", "1"},
		{"blank", "a\t1\n", "a", "1"},
		{"no value", "a\n", "a", ""},
		{"empty value", "a=\n", "a", ""},
		{"separator in the value", "a = b=c:d\n", "a", "b=c:d"},
		{"escaped key", "a\\ b\\:c=1\n", "a b:c", "1"},
		{"unicode escape", "\\u0061=\\u00e9\n", "a", "\u00e9"},
		{"half of a pair", "a=\\ud83d\n", "a", `\ud83d`},
		{"continued", "a = x,\\\n    y,\\\r\n\tz\r\n", "a", "x,y,z"},
		{"two backslashes end the value", "a=x\\\\\n", "a", `x\`},
		{"continued key", "lo\\\n  ng=1\n", "long", "1"},
		{"blanks at the end", "a=1  \n", "a", "1"},
		{"escaped blank at the end", "a=1\\ \n", "a", "1 "},
		{"indented", "  a=1\n", "a", "1"},
		{"latin-1", "n=\xe9\n", "n", "\xe9"},
		{"slot", "#port = 80 \n", "#port", "80"},
	} {
		n, err := properties.Parse([]byte(c.text))
		if err != nil || len(n.Kids) != 1 || n.Kids[0].Key != c.key || n.Kids[0].Value != c.value {
			t.Errorf("%s: %q: want %q = %q, got %+v, %v", c.name, c.text, c.key, c.value, n, err)
		}
	}
	for _, text := range []string{"a=\\u12\n", "a=\\u12xy\n", "a=1\rb=2\n"} {
		if n, err := properties.Parse([]byte(text)); err == nil {
			t.Errorf("%q: want an error, got %+v", text, n)
		}
	}
}

// The value's range holds the value as it is written.
func TestValueRange(t *testing.T) {
	text := "  a\\=b :  x\\\n     y  \nflag\n#s =  v \nempty=\n"
	n, err := properties.Parse([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"x\\\n     y", "", "v", ""} {
		k := n.Kids[i]
		if got := text[k.Val.Start:k.Val.End]; got != want {
			t.Errorf("%s: want %q, got %q", k.Key, want, got)
		}
	}
	if !n.Kids[1].Bare || n.Kids[3].Bare {
		t.Error("want only the flag to stand without a value")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"", "# head\n\n# c\na=1\n#b=2\n", "a\\\n", "a=\\\n\\\nb", "\\", "a=1\r\n\r\n! c\r\nb : 2", "=x", "a=\\u0041\\\n  b\n", "\n\n#x"} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		n, err := properties.Parse(data)
		if err != nil {
			return
		}
		if err := tree.Verify(data, n); err != nil {
			t.Fatalf("%q: %v", data, err)
		}
		if got := tree.Print(data, n); !bytes.Equal(got, data) {
			t.Fatalf("want %q, got %q", data, got)
		}
	})
}
