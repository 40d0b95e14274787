package mask

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// In the tables s3cret is what must not be shown, and all else is to stay.
func TestMaskText(t *testing.T) {
	tests := []struct{ name, text, want string }{
		{"properties", "db.password=s3cret", "db.password=********"},
		{"spaces around", "db.password = s3cret word", "db.password = ********"},
		{"commented out", "#password=s3cret", "#password=********"},
		{"pass in capitals", "DB_PASS=s3cret", "DB_PASS=********"},
		{"pass", "pass = s3cret", "pass = ********"},
		{"pass as a part", "keystore.pass: s3cret", "keystore.pass: ********"},
		{"pass in camel case", "dbPass=s3cret", "dbPass=********"},
		{"pass at the end of a word", "dbpass=s3cret", "dbpass=********"},
		{"pw", `"pw": "s3cret",`, `"pw": ********,`},
		{"passed over", "bypass = true", "bypass = true"},
		{"nginx's proxy_pass", "proxy_pass http://backend;", "proxy_pass http://backend;"},
		{"tokenizer", `<tokenizer class="solr.Standard"/>`, `<tokenizer class="solr.Standard"/>`},
		{"yaml", "    clientSecret: s3cret", "    clientSecret: ********"},
		{"yaml, quoted", `    api-key: "s3cret"`, `    api-key: ********`},
		{"yaml, tag", `password: !!str s3cret`, `password: ********`},
		{"yaml, list in a line", "credentials: [u, s3cret]", "credentials: [********]"},
		{"yaml, map in a line", "tokens: {a: s3cret}", "tokens: {********}"},
		{"yaml, doubled quote", "password: 's3''cret'", "password: ********"},
		{"encoded value", "password={noop}s3cret", "password=********"},
		{"json", `  "accessToken": "s3cret",`, `  "accessToken": ********,`},
		{"json, escaped quote", `  "passwd": "s3\"cret",`, `  "passwd": ********,`},
		{"json, number", `{"pwd": 123, "port": 1}`, `{"pwd": ********, "port": 1}`},
		{"json in json", `{\"password\":\"s3cret\",\"a\":1}`, `{\"password\":********,\"a\":1}`},
		{"two in a line", `{"password":"s3cret","token":"s3cret","a":1}`, `{"password":********,"token":********,"a":1}`},
		{"xml attribute", `  <Key keystorePass="s3cret" alias="a"/>`, `  <Key keystorePass=******** alias="a"/>`},
		{"xml attribute, single quotes", `  <Key keystorePass='s3cret'/>`, `  <Key keystorePass=********/>`},
		{"xml element", "  <password>s3cret</password>", "  <password>********</password>"},
		{"xml element, namespace", "  <a:password>s3cret</a:password>", "  <a:password>********</a:password>"},
		{"xml element with attribute", `  <param name="dbPassword">s3cret</param>`, `  <param name="dbPassword">********</param>`},
		{"xml element and value", `  <password value="s3cret"/>`, `  <password value=********/>`},
		{"xml name and value", `  <property name="password" value="s3cret"/>`, `  <property name="password" value=********/>`},
		{"xml value and name", `<user value="s3cret" name="password"/>`, `<user value=******** name="password"/>`},
		{"xml value element", `<bean name="password"><value>s3cret</value></bean>`, `<bean name="password"><value>********</value></bean>`},
		{"xml value element, not closed", `<bean name="password"><value>s3cret`, `<bean name="password"><value>********`},
		{"xml cdata", `<password><![CDATA[s3cret<]]></password>`, `<password><![CDATA[********]]></password>`},
		{"xml, not closed", `<password><![CDATA[s3cret]]>`, `<password><![CDATA[********]]>`},
		{"xml siblings", `<name>fs.secret</name><value>s3cret</value>`, `<name>fs.secret</name><value>********</value>`},
		{"yaml name and value", "  - {name: DB_PASSWORD, value: s3cret}", "  - {name: DB_PASSWORD, value: ********}"},
		{"yaml value and name", "  - {value: s3cret, name: DB_PASSWORD}", "  - {value: ********, name: DB_PASSWORD}"},
		{"redis", "requirepass s3cret", "requirepass ********"},
		{"environment of a server", "SetEnv DB_PASSWORD s3cret", "SetEnv DB_PASSWORD ********"},
		{"header of a proxy", "  proxy_set_header X-Api-Key s3cret;", "  proxy_set_header X-Api-Key ********"},
		{"login of a registry", `"auth": "s3cret"`, `"auth": ********`},
		{"netrc", "machine h login u password s3cret", "machine h login u password ********"},
		{"sql", "CREATE USER a IDENTIFIED BY 's3cret';", "CREATE USER a IDENTIFIED BY ********;"},
		{"address", "url=postgres://app:s3cret@db/app", "url=postgres://********@db/app"},
		{"address, slash in the password", "url=postgres://app:s3cret/s3cret@db/app", "url=postgres://********@db/app"},
		{"address, token as the user", "git clone https://s3cret@github.com/x", "git clone https://********@github.com/x"},
		{"address, query", "GET https://h/x?a=1&token=s3cret&b=2", "GET https://h/x?a=1&token=********&b=2"},
		{"address of oracle", "jdbc:oracle:thin:scott/s3cret@h", "jdbc:oracle:thin:********@h"},
		{"flag and value", `  start: [bin/start, --db-password, s3cret, -v]`, `  start: [bin/start, --db-password, ********, -v]`},
		{"flag and value, quoted", `  start: ["bin/start", "--token", "s3cret"]`, `  start: ["bin/start", "--token", "********"]`},
		{"short flag and value, quoted", `args: ["--pass","s3cret"]`, `args: ["--pass","********"]`},
		{"flag in a shell", "exec run --token s3cret -v", "exec run --token ******** -v"},
		{"flag without value", "exec run --no-password", "exec run --no-password"},
		{"mysql", "mysql -u root -ps3cret db", "mysql -u root -p******** db"},
		{"mysql in a list", `["/usr/bin/mysqldump", "-ps3cret"]`, `["/usr/bin/mysqldump", "-p********"]`},
		{"mysql in quotes", `command: "mysql -ps3cret db"`, `command: "mysql -p******** db"`},
		{"sshpass", "sshpass -p s3cret ssh h", "sshpass -p ******** ssh h"},
		{"sshpass, attached", "sshpass -ps3cret ssh h", "sshpass -p******** ssh h"},
		{"sqlplus", "sqlplus -s scott/s3cret@db @x.sql", "sqlplus -s ******** @x.sql"},
		{"curl", "curl -u me:s3cret https://h", "curl -u ******** https://h"},
		{"port of docker", "docker run -p 80:80 x", "docker run -p 80:80 x"},
		{"bearer", "Authorization: Bearer s3cret", "Authorization: ********"},
		{"bearer of a jwt", "sent eyJhbGciOi.s3crets3cret.s3cret on", "sent ******** on"},
		{"basic", "Authorization: Basic dXNlcjpz3Q==", "Authorization: ********"},
		{"to a proxy", "Proxy-Authorization: Basic s3cret", "Proxy-Authorization: ********"},
		{"header in json", `{"Authorization": "Bearer s3cret", "a": 1}`, `{"Authorization": ********, "a": 1}`},
		{"cookie", "Cookie: a=s3cret; b=s3cret", "Cookie: ********"},
		{"cookie set", "Set-Cookie: sid=s3cret; Path=/", "Set-Cookie: ********"},
		{"basic in a sentence", "# Basic authentication is off", "# Basic authentication is off"},
		{"token of github", "using ghp_s3crets3crets3cret now", "using ******** now"},
		{"token of slack", "using xoxb-1234-s3cret now", "using ******** now"},
		{"words of a shell", "test \"$1$2\" = --", "test \"$1$2\" = --"},
		{"digest of a password", "me:$2y$10$s3crets3cret", "me:********"},
		{"nothing to hide", "server.port=8080", "server.port=8080"},
		{"words in prose", "# change the password before you start", "# change the password before you start"},
		{"key store file", `  <Key keystoreFile="conf/k.jks"/>`, `  <Key keystoreFile="conf/k.jks"/>`},
		{"address without password", "url=https://db.example.com:8443/app", "url=https://db.example.com:8443/app"},
		{"address with @", "https://host:8443/x@y", "https://host:8443/x@y"},

		{"several lines", "password=s3cret\nport=1", "password=********\nport=1"},
		{"line ends of Windows", "password=s3cret\r\nport=1\r\n", "password=********\r\nport=1\r\n"},
		{"continued line", "password=s3\\\n    s3cret\nport=1", "password=********\n    ********\nport=1"},
		{"continued value", "password: s3cret\n  s3cret\nport: 1", "password: ********\n  ********\nport: 1"},
		{"flag above value", "- --password\n- s3cret\n- -v", "- --password\n- ********\n- -v"},
		{"flag above value in a shell", "run --token \\\n  s3cret\nport: 1", "run --token \\\n  ********\nport: 1"},
		{"yaml block", "db:\n  password: |\n    s3cret\n    s: s3cret\n  port: 1", "db:\n  password: |\n    ********\n    ********\n  port: 1"},
		{"yaml block behind an anchor", "password: &a >-\n  s3cret\nport: 1", "password: &a >-\n  ********\nport: 1"},
		{"yaml block after a blank line", "password: >-\n\n  s3cret\nport: 1", "password: >-\n\n  ********\nport: 1"},
		{"yaml map below", "credentials:\n  user: s3cret\n  x: s3cret\nport: 1", "credentials:\n  user: ********\n  x: ********\nport: 1"},
		{"yaml list at the same indent", "password:\n- s3cret\nport: 1", "password:\n- ********\nport: 1"},
		{"yaml list, deeper", "passwords:\n  - s3cret\nport: 1", "passwords:\n  - ********\nport: 1"},
		{"yaml item with an empty secret", "- password:\n- port: 1", "- password:\n- port: 1"},
		{"yaml item with a block", "- password: |\n    s3cret\n  port: 1", "- password: |\n    ********\n  port: 1"},
		{"yaml, no value", "password:\nport: 1", "password:\nport: 1"},
		{"yaml, key by itself", "? password\n: s3cret\nport: 1", "? password\n: ********\nport: 1"},
		{"yaml, comment before the value", "password: # s3cret\n  s3cret\nport: 1", "password: ********\n  ********\nport: 1"},
		{"name above value", "- name: DB_PASSWORD\n  value: s3cret\n- name: PORT\n  value: 1", "- name: DB_PASSWORD\n  value: ********\n- name: PORT\n  value: 1"},
		{"name above value, one between", "- name: DB_PASSWORD\n  from:\n    a: 1\n  value: s3cret\n", "- name: DB_PASSWORD\n  from:\n    a: 1\n  value: ********\n"},
		{"value above name", "- value: 1\n  name: PORT\n- value: s3cret\n  name: DB_PASSWORD\nport: 1", "- value: 1\n  name: PORT\n- value: ********\n  name: DB_PASSWORD\nport: 1"},
		{"json, value above name", "{\n  \"value\": \"s3cret\",\n  \"name\": \"DB_PASSWORD\"\n}", "{\n  \"value\": ********,\n  \"name\": \"DB_PASSWORD\"\n}"},
		{"json map", "\"credentials\": {\n  \"user\": \"s3cret\"\n},\n\"port\": 1", "\"credentials\": {\n  \"user\": ********\n},\n\"port\": 1"},
		{"toml, three quotes", "password = \"\"\"\ns3cret\nx = s3cret\"\"\"\nport = 1", "password = ********\n********\n********\nport = 1"},
		{"toml, three single quotes", "password = '''s3cret\ns3cret'''\nport = 1", "password = ********\n********\nport = 1"},
		{"toml list", "passwords = [\n\"s3cret\"\n]\nport = 1", "passwords = [\n********\n]\nport = 1"},
		{"base64 in a list", "tokens = [\n  s3cret==\n]\nport = 1", "tokens = [\n  ********\n]\nport = 1"},
		{"base64 below", "tokens:\n  - s3cret=\nport: 1", "tokens:\n  - ********\nport: 1"},
		{"pairs in a list", "tokens:\n  - a=s3cret\nport: 1", "tokens:\n  - a=********\nport: 1"},
		{"toml section", "[password]\nvalue=\"s3cret\"\n\n[server]\nport = 1", "[password]\nvalue=********\n\n[server]\nport = 1"},
		{"quoted over lines", "password = \"s3cret\n  s3cret\"\nport = 1", "password = ********\n  ********\nport = 1"},
		{"a quote of its own", "password = \"s3cret\nport = \"1\"", "password = ********\nport = \"1\""},
		{"here document", "password = <<EOF\ns3cret\nEOF\nport = 1", "password = ********\n********\nEOF\nport = 1"},
		{"xml over lines", "<password>\ns3cret\n</password>\n<port>1</port>", "<password>\n********\n</password>\n<port>1</port>"},
		{"xml over lines, not closed", "<password>\n  s3cret", "<password>\n  ********"},
		{"a placeholder like xml", "password=<the-password>\nport=1", "password=********\nport=1"},
		{"xml value over lines", "<bean name=\"password\">\n  <value>s3cret</value>\n</bean>\n<port>1</port>", "<bean name=\"password\">\n  <value>********</value>\n</bean>\n<port>1</port>"},
		{"xml attributes over lines", "<user\n  value=\"s3cret\"\n  name=\"password\"/>\n<port>1</port>", "<user\n  value=********\n  name=\"password\"/>\n<port>1</port>"},
		{"xml attribute, value below", "<user password=\n\"s3cret\" port=\"1\"/>", "<user password=\n******** port=\"1\"/>"},
		{"xml siblings over lines", "<property>\n  <name>fs.secret</name>\n  <value>s3cret</value>\n</property>", "<property>\n  <name>fs.secret</name>\n  <value>********</value>\n</property>"},
		{"plist", "<key>password</key>\n<string>s3cret</string>", "<key>password</key>\n<string>********</string>"},
		{"key in PEM", "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----\nport=1", "-----BEGIN PRIVATE KEY-----\n********\n-----END PRIVATE KEY-----\nport=1"},
		{"key in PEM in one line", `pem: "-----BEGIN PRIVATE KEY-----\ns3cret\n-----END PRIVATE KEY-----"` + "\nport: 1\na: b",
			`pem: "-----BEGIN PRIVATE KEY-----********-----END PRIVATE KEY-----"` + "\nport: 1\na: b"},
		{"key in PEM in one line of JSON", `{"pem": "-----BEGIN RSA PRIVATE KEY-----\ns3cret\n-----END RSA PRIVATE KEY-----\n", "a": 1}`,
			`{"pem": "-----BEGIN RSA PRIVATE KEY-----********-----END RSA PRIVATE KEY-----\n", "a": 1}`},
		{"key in PEM, properties", "pem=-----BEGIN PRIVATE KEY-----\\n\\\n  s3cret\\n\\\n  -----END PRIVATE KEY-----\nport=1",
			"pem=-----BEGIN PRIVATE KEY-----********\n  ********\n  -----END PRIVATE KEY-----\nport=1"},
		{"key in PEM without its end", "-----BEGIN PRIVATE KEY-----\ns3cret\nport: 1", "-----BEGIN PRIVATE KEY-----\n********\nport: 1"},
		{"key in PEM without its start", "port: 1\ns3cret\n-----END PRIVATE KEY-----\nport: 1", "port: 1\n********\n-----END PRIVATE KEY-----\nport: 1"},
		{"middle of a key", strings.Repeat("s3cret", 11) + "\nport: 1", "********\nport: 1"},
		{"known value", "sent SUPERTOKEN99 on", "sent ******** on"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Text(tt.text, "", "abc", "SUPERTOKEN99"); got != tt.want {
				t.Errorf("Text(%q):\n got %q\nwant %q", tt.text, got, tt.want)
			}
			if got := show("+", tt.text); strings.Contains(got, "s3cret") || tt.name != "known value" && got != prefixed("+", tt.want) {
				t.Errorf("Diff, added:\n got %q\nwant %q", got, prefixed("+", tt.want))
			}
			if got := Record(tt.text); strings.Contains(got, "s3cret") && !slices.Contains([]string{"redis", "environment of a server", "header of a proxy"}, tt.name) {
				t.Errorf("Record(%q): got %q", tt.text, got)
			}
		})
	}
}

// show masks the difference in which each line of text has a mark.
func show(mark, text string) string {
	n := strings.Count(text, "\n") + 1
	head := fmt.Sprintf("@@ -0,0 +1,%d @@\n", n)
	old, fresh := "", text
	if mark == "-" {
		head, old, fresh = fmt.Sprintf("@@ -1,%d +0,0 @@\n", n), text, ""
	}
	got := string(Diff([]byte(head+prefixed(mark, text)), []byte(old), []byte(fresh)))
	return strings.TrimPrefix(got, head)
}

func prefixed(mark, text string) string {
	return mark + strings.ReplaceAll(text, "\n", "\n"+mark)
}

func TestMaskDiff(t *testing.T) {
	tests := []struct{ name, old, new, diff, want string }{
		{"both sides", "a: 1\npassword: s3cret\n", "a: 1\npassword: s3cre2\n",
			"--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a: 1\n-password: s3cret\n+password: s3cre2\n", "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n a: 1\n-password: ********\n+password: ********\n"},
		{"begun above the hunk", "password: |\n  s3cret\n  s3cre2\nport: 1\n", "password: |\n  s3cret\n  s3cre3\nport: 1\n",
			"@@ -3,2 +3,2 @@\n-  s3cre2\n+  s3cre3\n port: 1\n", "@@ -3,2 +3,2 @@\n-  ********\n+  ********\n port: 1\n"},
		{"secret on one side only", "notes: |\n  s3cret\n", "password: |\n  s3cret\n",
			"@@ -1,2 +1,2 @@\n-notes: |\n+password: |\n   s3cret\n", "@@ -1,2 +1,2 @@\n-notes: |\n+password: |\n   ********\n"},
		{"removed line like a file name", "-- password=s3cret\n", "", "@@ -1 +0,0 @@\n--- password=s3cret\n", "@@ -1 +0,0 @@\n--- password=********\n"},
		{"file names are shown", "", "", "--- a/conf/password.conf\n+++ b/conf/password.conf\n", "--- a/conf/password.conf\n+++ b/conf/password.conf\n"},
		{"no line end at the end", "pwd=s3cret", "", "@@ -1 +0,0 @@\n-pwd=s3cret\n\\ No newline at end of file\n", "@@ -1 +0,0 @@\n-pwd=********\n\\ No newline at end of file\n"},
		{"a line of neither text", "a\n", "a\n", "@@ -1 +1 @@\n-s3cret\n+a\n", "@@ -1 +1 @@\n-********\n+a\n"},
		{"two hunks", "a\nb\npwd=s3cret\n", "b\nb\npwd=s3cre2\n", "@@ -1 +1 @@\n-a\n+b\n@@ -3 +3 @@\n-pwd=s3cret\n+pwd=s3cre2\n", "@@ -1 +1 @@\n-a\n+b\n@@ -3 +3 @@\n-pwd=********\n+pwd=********\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := string(Diff([]byte(tt.diff), []byte(tt.old), []byte(tt.new))); got != tt.want {
				t.Errorf("Diff(%q):\n got %q\nwant %q", tt.diff, got, tt.want)
			}
		})
	}
}

func TestPart(t *testing.T) {
	whole := "a: 1\npassword: |\n  s3cret\n  s3cre2\nport: 1\n"
	for _, tt := range []struct {
		part string
		from int
		want string
	}{
		{"  s3cre2\nport: 1\n", 3, "  ********\nport: 1\n"},
		{"  s3cret\n", 2, "  ********\n"},
		{"port: 1", 4, "port: 1"},
		{"elsewhere\npwd: s3cret\n", 2, "elsewhere\npwd: ********\n"},
		{"", 9, ""},
	} {
		if got := Of([]byte(whole)).Part([]byte(tt.part), tt.from); got != tt.want {
			t.Errorf("Part(%q, %d):\n got %q\nwant %q", tt.part, tt.from, got, tt.want)
		}
	}
}

func TestKeyed(t *testing.T) {
	for _, tt := range []struct{ key, text, want string }{
		{"Server/Realm[name=a]/password/#text", "  s3cret\n  s3cret\n", "  ********\n  ********\n"},
		{"db.password", "db.password=s3cret\n", "db.password=********\n"},
		{"Server/@port", "8080\n", "8080\n"},
	} {
		if got := Keyed(tt.key, tt.text, Text(tt.text)); got != tt.want {
			t.Errorf("Keyed(%q, %q):\n got %q\nwant %q", tt.key, tt.text, got, tt.want)
		}
	}
}

// TestMaskedBetween puts each secret between harmless lines, indented, in lines of Windows,
// and in a record: it is never shown, and what stands around it always is.
func TestMaskedBetween(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 0))
	shapes := []string{"password=%s", "db.password: %s", "DB_PASS=%s", `"pw": "%s",`, "<password>%s</password>", `<p name="token" value="%s"/>`, "password: |\n  %s", "tokens: [%s]",
		"- name: API_KEY\n  value: %s", "- value: %s\n  name: API_KEY", "x --password %s", `["--pass", "%s"]`, "https://u:%s@h/x", "Cookie: %s", "password = \"\"\"\n%s\"\"\"",
		"<password>\n%s\n</password>", "-----BEGIN PRIVATE KEY-----\n%s\n-----END PRIVATE KEY-----", "mysql -p%s", "passwords:\n- %s", "? secret\n: %s"}
	for range 2000 {
		secret := make([]byte, 6+rnd.IntN(20))
		for i := range secret {
			secret[i] = "abcdefghijkmnqrstuvwxyzABCDEFGHIJKLMNPQRSTUVWXYZ23456789"[rnd.IntN(56)]
		}
		shape := shapes[rnd.IntN(len(shapes))]
		indent := strings.Repeat(" ", rnd.IntN(5))
		text := "first.line = 1\n" + indent + strings.ReplaceAll(fmt.Sprintf(shape, secret), "\n", "\n"+indent) + "\nlast.line = 1\n"
		if rnd.IntN(4) == 0 {
			text = strings.ReplaceAll(text, "\n", "\r\n")
		}
		for how, got := range map[string]string{"Text": Text(text), "Record": Record(text), "Diff": show("-", text)} {
			if strings.Contains(got, string(secret)) || !strings.Contains(got, "first.line = 1") || !strings.Contains(got, "last.line = 1") {
				t.Fatalf("%s(%q):\n got %q", how, text, got)
			}
		}
	}
}

// BenchmarkText: the rate is to be the same for a text of any length, whatever is in it.
func BenchmarkText(b *testing.B) {
	for _, piece := range []string{"password=[\n", "<a password=\"", "password: \"\n", "name: password\n", "- name: token\n  value: 1\n", "password:\n", "{\"password\":", "-----BEGIN PRIVATE KEY-----\n",
		"-----END PRIVATE KEY-----\n", "<password>\n", "<password>", "[token]\n", "password = \"\"\"\n", "a=1\n", "--pass ", "'", "password: '", "x://", "eyJaaaaaa.", "password: x\n ", "mysql \"", "\"mysql "} {
		for _, size := range []int{16 << 10, 256 << 10} {
			text := strings.Repeat(piece, size/len(piece))
			b.Run(fmt.Sprintf("%q/%d", piece, size), func(b *testing.B) {
				b.SetBytes(int64(len(text)))
				for b.Loop() {
					Text(text)
				}
			})
		}
	}
}

func FuzzMask(f *testing.F) {
	f.Add("password=x\n", "password=x\n")
	f.Add("a: |\n \xff\n", "<password>\n[token]\n'''\n")
	f.Fuzz(func(t *testing.T, old, fresh string) {
		for _, text := range []string{old, fresh} {
			for _, got := range []string{Text(text, "known"), Record(text, "known"), show("+", text)} {
				if want := strings.Count(text, "\n"); strings.Count(got, "\n") != want {
					t.Errorf("%q: lines: want %d, got %q", text, want, got)
				}
			}
		}
		diff := []byte("@@ -1,9 +1,9 @@\n-" + old + "\n+" + fresh)
		if want, got := strings.Count(string(diff), "\n"), string(Diff(diff, []byte(old), []byte(fresh))); strings.Count(got, "\n") != want {
			t.Errorf("Diff(%q): lines: want %d, got %q", diff, want, got)
		}
	})
}
