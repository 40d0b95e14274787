package manifest

import (
	"strings"
	"testing"
)

func TestIsText(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       bool
	}{
		{"empty", "", true},
		{"ASCII", "a = b\r\n\tc\n", true},
		{"UTF-8", "größe = 日本\n", true},
		{"UTF-8 with BOM", "\xef\xbb\xbfa=b\n", true},
		{"UTF-8 cut in a character", "gr\xc3", true},
		{"Latin-1", "gr\xf6\xdfe = stra\xdfe\n", true},
		{"KOI8-R", "\xf0\xd2\xc9\xd7\xc5\xd4\n", true},
		{"terminal colours", "\x1b[31mred\x1b[0m\n", true},
		{"a control in a hundred bytes", "\x01" + strings.Repeat("a", 99), true},
		{"two controls in a hundred bytes", "\x01\x02" + strings.Repeat("a", 98), false},
		{"NUL", strings.Repeat("a", 1000) + "\x00", false},
		{"UTF-16", "\xff\xfea\x00=\x00b\x00", false},
		{"UTF-16 beyond Latin", "\xfe\xff\x65\xe5\x67\x2c", false},
		{"ELF", "\x7fELF\x02\x01\x01\x00", false},
		{"gzip", "\x1f\x8b\x08\x08\x12", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := IsText([]byte(c.text)); got != c.want {
				t.Errorf("got %v, want %v", got, c.want)
			}
		})
	}
}

func TestLooksLikeConfig(t *testing.T) {
	for _, p := range []Path{
		"conf/server.xml", "conf/Catalina/localhost/app.xml", "conf/catalina.policy", "conf/tomcat-users.xml", "config/jvm.options",
		"etc/default/tomcat10", "conf/hadoop-env.sh", "conf/nginx.conf", "conf/mime.types", "config/elasticsearch.yml", "my.cnf",
		"application.properties", "logback.XML", "settings.toml", ".env", "etc/ssl/server.pem", "conf/x.conf.sample",
		"webapps/manager/META-INF/context.xml", "webapps/app/WEB-INF/web.xml", "webapps/app/WEB-INF/classes/log4j.properties",
		"lib/conf/x.ini", "share/postgresql/conf/pg_hba.conf",
	} {
		if !LooksLikeConfig(p, []byte("a = b\n")) {
			t.Errorf("%s: got no configuration, want it seen as one", p)
		}
	}
	for _, p := range []Path{
		"lib/core.jar", "bin/run.sh", "README.md", "LICENSE", "NOTICE.txt", "webapps/app/index.html", "webapps/app/js/app.js",
		"conf/web/index.html", "webapps/app/META-INF/maven/pom.properties", "webapps/app/META-INF/MANIFEST.MF",
		"webapps/app/WEB-INF/lib/x.xml", "webapps/app/WEB-INF/classes/org/acme/LocalStrings.properties", "package.json",
		"app/package-lock.json", "Cargo.toml", "node_modules/x/config.json", "docs/config/x.conf", "lib/x/defaults.properties",
		"conf/tomcat-users.xsd", "updates/settings.yaml", "updates/logs/x.conf", "schemas/x.json",
	} {
		if LooksLikeConfig(p, []byte("a = b\n")) {
			t.Errorf("%s: got configuration, want it passed over", p)
		}
	}
	if LooksLikeConfig("conf/keystore.conf", []byte("\x00\x01")) {
		t.Error("binary: got configuration, want it passed over")
	}
}
