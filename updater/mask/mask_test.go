package mask

import (
	"strings"
	"testing"
)

func TestMaskDiff(t *testing.T) {
	tests := []struct{ name, line, want string }{
		{"properties", "+db.password=s3cret", "+db.password=********"},
		{"spaces around", " db.password = s3cret word", " db.password = ********"},
		{"commented out", "+#password=s3cret", "+#password=********"},
		{"yaml", "-    clientSecret: s3cret", "-    clientSecret: ********"},
		{"yaml, quoted", `+    api-key: "s3cret"`, `+    api-key: ********`},
		{"json", `+  "accessToken": "s3cret",`, `+  "accessToken": ********,`},
		{"json, escaped quote", `+  "passwd": "s3\"cret",`, `+  "passwd": ********,`},
		{"xml attribute", `+  <Key keystorePass="s3cret" alias="a"/>`, `+  <Key keystorePass=******** alias="a"/>`},
		{"xml attribute, single quotes", `+  <Key keystorePass='s3cret'/>`, `+  <Key keystorePass=********/>`},
		{"xml element", "+  <password>s3cret</password>", "+  <password>********</password>"},
		{"xml element with attribute", `+  <param name="dbPassword">s3cret</param>`, `+  <param name="dbPassword">********</param>`},
		{"xml name and value", `+  <property name="password" value="s3cret"/>`, `+  <property name="password" value=********/>`},
		{"yaml name and value", "+  - {name: DB_PASSWORD, value: s3cret}", "+  - {name: DB_PASSWORD, value: ********}"},
		{"redis", "+requirepass s3cret", "+requirepass ********"},
		{"address", "+url=postgres://app:s3cret@db/app", "+url=postgres://app:********@db/app"},
		{"flag and value", `+  start: [bin/start, --db-password, s3cret, -v]`, `+  start: [bin/start, --db-password, ********, -v]`},
		{"flag and value, quoted", `+  start: ["bin/start", "--token", "s3cret"]`, `+  start: ["bin/start", "--token", "********"]`},
		{"flag in a shell", "+exec run --token s3cret -v", "+exec run --token ******** -v"},
		{"flag without value", "+exec run --no-password", "+exec run --no-password"},
		{"nothing to hide", "+server.port=8080", "+server.port=8080"},
		{"words in prose", "+# change the password before you start", "+# change the password before you start"},
		{"key store file", `+  <Key keystoreFile="conf/k.jks"/>`, `+  <Key keystoreFile="conf/k.jks"/>`},
		{"address without password", "+url=https://db.example.com:8443/app", "+url=https://db.example.com:8443/app"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(Diff([]byte(tt.line + "\n"))); got != tt.want+"\n" {
				t.Errorf("Diff(%q):\n got %q\nwant %q", tt.line, got, tt.want)
			}
		})
	}
}

// A value may go on over several lines, and ends where the next hunk begins.
func TestMaskDiffOverLines(t *testing.T) {
	tests := []struct{ name, diff, want string }{
		{"continued line", "+password=s3\\\n+    s3cret\n+port=1\n", "+password=********\n+    ********\n+port=1\n"},
		{"flag above value", "+- --password\n+- s3cret\n+- -v\n", "+- --password\n+********\n+- -v\n"},
		{"yaml block", " db:\n+  password: |\n+    s3cret\n+    s3cret\n+  port: 1\n", " db:\n+  password: |\n+    ********\n+    ********\n+  port: 1\n"},
		{"name above value", "+- name: DB_PASSWORD\n+  value: s3cret\n+- name: PORT\n+  value: 1\n", "+- name: DB_PASSWORD\n+  value: ********\n+- name: PORT\n+  value: 1\n"},
		{"key in PEM", "+-----BEGIN PRIVATE KEY-----\n+s3cret\n+-----END PRIVATE KEY-----\n+port=1\n", "+-----BEGIN PRIVATE KEY-----\n+********\n+-----END PRIVATE KEY-----\n+port=1\n"},
		{"next hunk", "+password: |\n@@ -9 +9 @@\n+  port: 1\n", "+password: |\n@@ -9 +9 @@\n+  port: 1\n"},
		{"removed line like a file name", "@@ -1 +0,0 @@\n--- password=s3cret\n", "@@ -1 +0,0 @@\n--- password=********\n"},
		{"file names are shown", "--- a/conf/password.conf\n+++ b/conf/password.conf\n", "--- a/conf/password.conf\n+++ b/conf/password.conf\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(Diff([]byte(tt.diff))); got != tt.want {
				t.Errorf("Diff(%q):\n got %q\nwant %q", tt.diff, got, tt.want)
			}
		})
	}
}

func TestMaskText(t *testing.T) {
	got := Text("password=s3cret\nport=1")
	if got != "password="+Mask+"\nport=1" {
		t.Errorf("Text: got %q", got)
	}
}

func FuzzMaskDiff(f *testing.F) {
	f.Add([]byte("+password=x\n"))
	f.Add([]byte("+a: |\n+ \xff\n@@\n"))
	f.Fuzz(func(t *testing.T, diff []byte) {
		got := Diff(diff)
		if want := strings.Count(string(diff), "\n"); strings.Count(string(got), "\n") != want {
			t.Errorf("Diff(%q): lines: want %d, got %q", diff, want, got)
		}
	})
}
