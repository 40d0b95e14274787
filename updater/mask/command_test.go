package mask

import (
	"slices"
	"testing"
)

func TestRecord(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"who logs in", "https://app:s3cret@host/x", "https://********@host/x"},
		{"a token as the user", "https://s3cret@host/x", "https://********@host/x"},
		{"query", "get https://host/x?a=1&access_token=s3cret&b=2: 404", "get https://host/x?a=1&access_token=********&b=2: 404"},
		{"header", "Authorization: Bearer s3cret.s3cret", "Authorization: ********"},
		{"bearer alone", "sent bearer s3cret-abc to host", "sent bearer ******** to host"},
		{"key", "conf/a: password = s3cret", "conf/a: password = ********"},
		{"value of the environment", "passed hunter22 on", "passed ******** on"},
		{"a sentence", "Passwords are asked for anew", "Passwords are asked for anew"},
		{"several lines", "a\npassword=s3cret\nb", "a\npassword=********\nb"},
		{"an address", "https://host:8443/x@y", "https://host:8443/x@y"},
		{"nothing", "lib/core-1.3.jar: digest mismatch: want sha256:ab12, got sha256:cd34", "lib/core-1.3.jar: digest mismatch: want sha256:ab12, got sha256:cd34"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Record(tt.text, "", "abc", "hunter22"); got != tt.want {
				t.Errorf("Record(%q):\n got %q\nwant %q", tt.text, got, tt.want)
			}
		})
	}
}

func TestArgs(t *testing.T) {
	got := Args([]string{"--source=https://u:s3cret@h/r", "--token", "s3cret", "--allow-stale", "password=s3cret", "--yes", "conf/token.txt", "/usr/bin/mysql", "-ps3cret", "-u", "me"})
	want := []string{"--source=https://********@h/r", "--token", Mask, "--allow-stale", "password=" + Mask, "--yes", "conf/token.txt", "/usr/bin/mysql", "-p" + Mask, "-u", "me"}
	if !slices.Equal(got, want) {
		t.Errorf("Args:\n got %q\nwant %q", got, want)
	}
}

// TestHarmless: nothing that is masked is taken for harmless.
func TestHarmless(t *testing.T) {
	texts := []string{"https://a:b@c", "-----BEGIN RSA PRIVATE KEY-----", "Bearer abcdefg", "Basic abcdefg", "Authorization: abcdefg", "to\u212aen=x", "me:$1$abc"}
	for _, list := range [][]string{secretParts, secretPairs, secretWords, secretEnds, headers, oracleClients, tokenSigns} {
		texts = append(texts, list...)
	}
	for _, text := range texts {
		if harmless(lower(text)) {
			t.Errorf("%q is taken for harmless", text)
		}
	}
	if !harmless("lib/core-1.3.jar: replaced") {
		t.Error("a path is not taken for harmless")
	}
}
