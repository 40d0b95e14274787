package detect

import "testing"

func TestFormat(t *testing.T) {
	for _, c := range []struct{ path, head, want string }{
		{"conf/catalina.properties", "a=b\n", Properties},
		{"build.properties.default", "a=b\n", Properties},
		{"conf/server.xml", "", XML},
		{"conf/Catalina/localhost/ROOT.XML", "", XML},
		{"values.yaml", "", YAML},
		{"docker-compose.yml", "", YAML},
		{"package.json", `{"url": "http://x/*"}`, JSON},
		{"settings.json.template", "/*\n * about\n */\n{}", JSONC},
		{"settings.json.docker", "{\n  // port\n  \"port\": 1}", JSONC},
		{"a.jsonc", "{}", JSONC},
		{"deployment.toml", "[a]\n", TOML},
		{".env", "A=1\n", Env},
		{".env.example", "A=1\n", Env},
		{"env-example", "A=1\n", Env},
		{"conf/prod.env", "A=1\n", Env},
		{"mysql/my.cnf", "", INI},
		{"php.ini-development", "", INI},
		{"setup.cfg", "# about\n\n[metadata]\nname = x\n", INI},
		{"x.conf", "[a] ; section\nb=c\n", INI},
		{"x.conf", "\uFEFF<?xml version='1.0'?><a/>", XML},
		{"x.conf", "  {\n \"a\": 1}", JSON},
		{"x.conf", "---\na: b\n", YAML},
		{"x.conf", "# about\na.b=c\nlisten_addresses = '*'\nmax", Properties},
		{"nginx.conf", "worker_processes 1;\nhttp {\n}\n", Nginx},
		{"sites/default.conf", "# c\nserver {\n    listen 80; # x\n    log_format a\n      'b';\n  x 1;\n y 2;\n z 3;\n z 4;\n z 5;\n z 6;\n}\n", Nginx},
		{"etc/ssh/sshd_config", "# c\nPort 22\nMatch User a\n\tBanner none\n", Directive},
		{"redis.conf", "# c\nsave 900 1\nport 1\n", Directive},
		{"httpd.conf", "Listen 80\n<VirtualHost *>\n</VirtualHost>\n", Lines},
		{"LICENSE", "Apache License\n", Lines},
		{"empty.conf", "", Lines},
		{"config", "a=1\n", Properties},
		{"README", "A text.\n", Lines},
		{"bin/catalina.sh", "A=1\n", Shell},
		{"xml.sh", "A=1\n", Shell},
		{"index.html", "<?xml version='1.0'?><html/>", Lines},
		{"conf.d/.hidden", "a=1\n", Lines},
		{"lib/x.jar", "PK\x03\x04\x00", Binary},
		{"utf16.xml", "\xff\xfe<\x00a\x00", Binary},
		{"", "", Lines},
	} {
		if got := Format(c.path, []byte(c.head)); got != c.want {
			t.Errorf("%q %q: want %q, got %q", c.path, c.head, c.want, got)
		}
	}
}

func FuzzFormat(f *testing.F) {
	f.Add("a/b.conf", "[x]\n")
	f.Add("..", "{\"\\")
	f.Add("x.json", "\"\\")
	f.Fuzz(func(t *testing.T, path, head string) {
		switch got := Format(path, []byte(head)); got {
		case Properties, INI, XML, YAML, JSON, JSONC, TOML, Env, Shell, Directive, Nginx, Lines, Binary:
		default:
			t.Fatalf("%q is no format", got)
		}
	})
}
