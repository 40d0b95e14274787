// Package manifest holds what a release says about itself: the manifest, which
// describes it, and the inventory, which lists its paths. It reads both from
// bytes nobody vouches for yet: no input makes it panic, use memory beyond a
// small multiple of its size, or run for longer than in proportion to it; limits
// are checked before parsing. It touches no disk.
//
// # Manifest
//
// A manifest is YAML as package strictyaml takes it, at most MaxManifestBytes,
// lines ended by LF. Unknown keys are faults, so another key means another schema
// number. Marshal writes the one spelling releases have:
//
//	schema: inplace/manifest/1
//	product: {name: acme-server, version: 4.2.0}
//	level: 17
//	released: 2026-11-20T10:00:00Z
//	from: {min: 3}
//	platforms: [linux/amd64]
//	requires: []
//	inventory: {digest: "sha256:5891...", size: 812345, entries: 10342}
//	rules:
//	  config:
//	    - "conf/**"
//	  data:
//	    - "database/**"
//	  ignore:
//	    - "logs/**"
//	  formats:
//	    conf/x.conf: ini
//	  links:
//	    - lib/current
//	renames:
//	  - {from: lib/core-1.2.jar, to: lib/core-1.3.jar}
//	migrations:
//	  - {from: {path: P, key: K}, to: {path: P, key: K}, map: {old: new}, message: M}
//	derived:
//	  - {when: "webapps/*.war", clear: "webapps/{1}/**"}
//	irreversible: {after: start, reason: "the schema moves on"}
//	fixes:
//	  - {id: CVE-2026-1234, kind: security, severity: critical, summary: S}
//	instructions: |
//	  What an operator has to do by hand.
//
// Needed are schema, product, level, released and inventory; a key that says
// nothing is left out. A key x at the top holding a map is passed over. The fields
// of Manifest say what each key means.
//
// # Inventory
//
// An inventory is a list with exactly one spelling, at most MaxInventoryBytes and
// MaxEntries. Lines end in LF; fields are separated by one space:
//
//	inplace-inventory 1
//	d 0755 - - conf
//	f 0644 1042 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08 conf/server%20one.xml
//	l - - server%20one.xml conf/server.xml
//	end 3
//
// The first line names the format and its version, the last one counts the lines
// between them. Each of those is a path:
//
//	f MODE SIZE DIGEST PATH    a file: bytes in decimal, SHA-256 in 64 lower-case digits
//	d MODE - - PATH            a directory, also an empty one
//	l - - TARGET PATH          a symbolic link; its target is text, never followed
//
// MODE is four octal digits within 0755. In PATH and TARGET the bytes up to 0x20,
// 0x7F and % are written as % and two upper-case hexadecimal digits, no others.
// Paths rise bytewise as a whole ("a", "a-b", "a/b"), each once; the parent of
// each is listed before as a directory; no two names in a directory may be equal
// on a disk that ignores letter case or normalises Unicode; all sizes together are
// at most MaxTotalSize.
package manifest
