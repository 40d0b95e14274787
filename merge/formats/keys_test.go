package formats

import (
	"errors"
	"testing"

	"inplace/merge/tree"
)

func TestGetAndSet(t *testing.T) {
	for _, c := range []struct{ format, data, key, raw, want string }{
		{Properties, "# port\r\nport = 8080\r\nhost=a\r\n", "port", "9090", "# port\r\nport = 9090\r\nhost=a\r\n"},
		{INI, "[a]\nport=1\n[b]\nport=2\n", "b/port", "3", "[a]\nport=1\n[b]\nport=3\n"},
		{XML, "<Server port=\"8005\" shutdown='X'/>", "Server/@port", `"9005"`, "<Server port=\"9005\" shutdown='X'/>"},
		{XML, "<a><b>\n  x\n</b></a>", "a/b", "y", "<a><b>\n  y\n</b></a>"},
		{JSON, "{\"a\": {\"b\": 1}, \"c\": 2}", "a/b", "\"x\"", "{\"a\": {\"b\": \"x\"}, \"c\": 2}"},
		{YAML, "a:\n  b: 1 # one\nc: 2\n", "a/b", "7", "a:\n  b: 7 # one\nc: 2\n"},
		{TOML, "[a]\nb = 1\n", "a/b", "2", "[a]\nb = 2\n"},
		{Env, "A=1\nexport B=2\n", "A", "5", "A=5\nexport B=2\n"},
		{Properties, "\uFEFFport=1\n", "port", "2", "\uFEFFport=2\n"},
	} {
		got, err := Set(c.format, []byte(c.data), c.key, []byte(c.raw))
		if err != nil || string(got) != c.want {
			t.Errorf("%s %s: got %q, %v, want %q", c.format, c.key, got, err, c.want)
			continue
		}
		if raw, _, err := Get(c.format, got, c.key); err != nil || len(raw) == 0 {
			t.Errorf("%s %s: read back %q, %v", c.format, c.key, raw, err)
		}
		if _, _, err := Get(c.format, got, c.key+"-no"); !errors.Is(err, tree.ErrNoKey) {
			t.Errorf("%s: a key that is not there: %v", c.format, err)
		}
	}
}
