package manifest

import "testing"

func TestAccepts(t *testing.T) {
	m := &Manifest{Product: ProductID{Name: "acme"}, Level: 9, From: From{3}, Platforms: []string{"linux/amd64", "linux/arm64"}}
	for _, c := range []struct {
		name, product string
		level         int64
		platform      string
		want          string
	}{
		{"right", "acme", 3, "linux/arm64", ""},
		{"from above", "acme", 12, "linux/amd64", ""},
		{"M4 wrong product", "other", 3, "linux/amd64", "product: want acme, got other"},
		{"M4 wrong platform", "acme", 3, "windows/amd64", "platform: want linux/amd64 or linux/arm64, got windows/amd64"},
		{"M4 skips a needed level", "acme", 2, "linux/amd64", "level: want 3 or more to come to 9 in one step, got 2"},
		{"M4 all at once", "o\x1b", 0, "x", "product: want acme, got o\\x1b\nlevel: want 3 or more to come to 9 in one step, got 0\nplatform: want linux/amd64 or linux/arm64, got x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ""
			if err := m.Accepts(c.product, c.level, c.platform); err != nil {
				got = err.Error()
			}
			if got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	m.Platforms = nil
	if err := m.Accepts("acme", 3, "plan9/mips"); err != nil {
		t.Errorf("no platforms named: got %v, want any taken", err)
	}
}
