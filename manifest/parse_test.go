package manifest

import (
	"reflect"
	"testing"
	"time"
)

const exampleManifest = `schema: inplace/manifest/1
product: {name: acme-server, version: 4.2.0}
level: 17
released: 2026-11-20T10:00:00Z
from: {min: 3}
platforms: [linux/amd64]
requires: []
inventory: {digest: "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", size: 812345, entries: 10342}
rules: {config: ["conf/**"], data: ["database/**"], ignore: ["logs/**"], formats: {"conf/x.conf": ini}, links: [lib/current]}
renames: [{from: lib/core-1.2.jar, to: lib/core-1.3.jar}]
migrations: [{from: {path: conf/a.properties, key: old.key}, to: {path: conf/b.yaml, key: new.key}, map: {"yes": "true"}, message: Moved}]
derived: [{when: "webapps/*.war", clear: "webapps/{1}/**"}]
irreversible: {after: start, reason: "the schema moves on"}
fixes: [{id: CVE-2026-1234, kind: security, severity: critical, summary: "A: b"}]
instructions: |
  Restart the proxy.

  Then look.
x: {tool: {anything: [1, 2]}}
`

func exampleValue(t *testing.T) *Manifest {
	t.Helper()
	digest, err := ParseDigest("sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03")
	if err != nil {
		t.Fatal(err)
	}
	return &Manifest{
		Product:   ProductID{"acme-server", "4.2.0"},
		Level:     17,
		Released:  time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC),
		From:      From{3},
		Platforms: []string{"linux/amd64"},
		Inventory: InventoryRef{digest, 812345, 10342},
		Rules: Rules{
			Config: []string{"conf/**"}, Data: []string{"database/**"}, Ignore: []string{"logs/**"},
			Formats: map[string]string{"conf/x.conf": "ini"}, Links: []Path{"lib/current"},
		},
		Renames: []Rename{{"lib/core-1.2.jar", "lib/core-1.3.jar"}},
		Migrations: []Migration{{
			From: KeyRef{"conf/a.properties", "old.key"}, To: &KeyRef{"conf/b.yaml", "new.key"},
			Map: map[string]string{"yes": "true"}, Message: "Moved",
		}},
		Derived:      []Derived{{"webapps/*.war", "webapps/{1}/**"}},
		Irreversible: &Irreversible{"start", "the schema moves on"},
		Fixes:        []Fix{{"CVE-2026-1234", "security", "critical", "A: b"}},
		Instructions: "Restart the proxy.\n\nThen look.\n",
	}
}

func TestParseExample(t *testing.T) {
	got, err := Parse("m.yaml", []byte(exampleManifest))
	if err != nil {
		t.Fatal(err)
	}
	if want := exampleValue(t); !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

const canonicalManifest = `schema: inplace/manifest/1
product: {name: acme-server, version: 4.2.0}
level: 17
released: 2026-11-20T10:00:00Z
from: {min: 3}
platforms: [linux/amd64]
inventory: {digest: "sha256:5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03", size: 812345, entries: 10342}
rules:
  config:
    - "conf/**"
  data:
    - "database/**"
  ignore:
    - "logs/**"
  formats:
    conf/x.conf: ini
  links:
    - lib/current
renames:
  - {from: lib/core-1.2.jar, to: lib/core-1.3.jar}
migrations:
  - {from: {path: conf/a.properties, key: old.key}, to: {path: conf/b.yaml, key: new.key}, map: {"yes": "true"}, message: Moved}
derived:
  - {when: "webapps/*.war", clear: "webapps/{1}/**"}
irreversible: {after: start, reason: "the schema moves on"}
fixes:
  - {id: CVE-2026-1234, kind: security, severity: critical, summary: "A: b"}
instructions: |
  Restart the proxy.

  Then look.
`

func TestMarshalIsCanonical(t *testing.T) {
	if got := string(exampleValue(t).Marshal()); got != canonicalManifest {
		t.Errorf("got:\n%s\nwant:\n%s", got, canonicalManifest)
	}
	again, err := Parse("m.yaml", []byte(canonicalManifest))
	if err != nil {
		t.Fatal(err)
	}
	if want := exampleValue(t); !reflect.DeepEqual(again, want) {
		t.Errorf("got %+v, want %+v", again, want)
	}
}
