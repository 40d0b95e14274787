#!/usr/bin/env bash
# fixture.sh - a product of some 40 files in two releases, for the crash campaign.
#
#   fixture.sh trees DIR [OLDBIN NEWBIN]   makes DIR/old, DIR/new, DIR/product.yaml, DIR/notes.yaml;
#                                          with OLDBIN and NEWBIN the releases ship bin/inplace
#   fixture.sh edit HOME                   what an operator does to an installation of DIR/old
#
# Between the releases a path of every kind changes in every way there is: replaced,
# merged, added, removed, renamed, another mode only, file <-> directory, file <-> link,
# directory <-> link, another link target, empty directories come and go. The operator
# edits, adds, deletes and hard-links files, and gives some of them other modes, owners
# (root only), ACLs, extended attributes, a label and a capability; what cannot be set
# here is said on stderr; FIXTURE_NO_ACL=1 leaves the ACLs out. All is deterministic: same bytes, same times.
set -euo pipefail

put() { # put FILE MODE [WORD]: a file with some lines that name it
	mkdir -p "$(dirname "$1")"
	local i
	for i in 1 2 3 4 5 6 7 8; do printf '%s line %d %s\n' "${1##*/}" "$i" "${3:-}"; done >"$1"
	chmod "$2" "$1"
}

bytes() { # bytes FILE COUNT WORD: a binary file of about COUNT bytes, NUL bytes included
	mkdir -p "$(dirname "$1")"
	{ printf 'PK\003\004\000%s\000' "$3"; yes "$3" | head -c "$2"; } >"$1" || true
	chmod 0644 "$1"
}

properties() { # properties FILE PORT THREADS: settings with room between them
	mkdir -p "$(dirname "$1")"
	cat >"$1" <<-TEXT
		# Server settings
		server.port=$2
		server.host=0.0.0.0

		# Sessions
		session.timeout=30
		session.cookie=JSESSIONID

		# Threads
		threads.max=$3
		threads.min=10
	TEXT
	chmod 0644 "$1"
}

users() { # users FILE ROLE: XML
	mkdir -p "$(dirname "$1")"
	cat >"$1" <<-TEXT
		<?xml version="1.0" encoding="UTF-8"?>
		<users>
		  <!-- shipped accounts -->
		  <user name="admin" role="admin"/>
		  <user name="guest" role="guest"/>

		  <!-- services -->
		  <user name="monitor" role="reader"/>
		  <user name="batch" role="$2"/>
		</users>
	TEXT
	chmod 0644 "$1"
}

product() { # product FILE VERSION
	mkdir -p "$(dirname "$1")"
	cat >"$1" <<-TEXT
		schema: inplace/product/1
		name: fixture
		version: "$2"
		config: ["conf/**"]
		data: ["database/**"]
		ignore: ["logs/**"]
		derived: [{when: "webapps/*.war", clear: "webapps/{1}/**"}]
	TEXT
	chmod 0644 "$1"
}

common() { # common TREE: what both releases have in the same form
	put "$1/bin/stop.sh" 0755
	put "$1/README.txt" 0644
	put "$1/conf/logging.properties" 0644
	bytes "$1/lib/kept.jar" 3000 kept
	bytes "$1/lib/100% plain.jar" 500 plain
	put "$1/share/gr$(printf '\303\274')n/lies mich.txt" 0644
	put "$1/share/doc/old-note.txt" 0644
	: >"$1/share/empty.txt"
	mkdir -p "$1/temp" "$1/logs" "$1/database"
	ln -s kept.jar "$1/lib/same-link.jar"
}

old_tree() {
	local t=$1
	common "$t"
	product "$t/updates/product.yaml" 1.0
	put "$t/bin/start.sh" 0755 one
	bytes "$t/bin/daemon" 5000 one
	put "$t/bin/tool.sh" 0644
	properties "$t/conf/server.properties" 8080 100
	users "$t/conf/users.xml" writer
	put "$t/conf/app.yaml" 0644 one
	put "$t/conf/retired.ini" 0644
	bytes "$t/lib/core-1.0.jar" 9000 core
	ln -s core-1.0.jar "$t/lib/core.jar"
	bytes "$t/lib/driver.jar" 6000 one
	bytes "$t/lib/twin.jar" 2000 one
	ln "$t/lib/twin.jar" "$t/lib/twin-link.jar"
	bytes "$t/lib/gone.jar" 1500 gone
	bytes "$t/database/seed.db" 800 one
	bytes "$t/webapps/shop.war" 4000 one
	put "$t/webapps/ROOT/index.html" 0644 one
	put "$t/webapps/examples/index.html" 0644 one
	put "$t/webapps/examples/servlets/hello.txt" 0644 one
	put "$t/tools/legacy/import.sh" 0755
	put "$t/tools/legacy/export.sh" 0755
	mkdir -p "$t/work"
	# kinds that will change
	put "$t/share/a-file-then-dir" 0644
	put "$t/share/a-dir-then-file/inner.txt" 0644
	put "$t/share/a-dir-then-file/deep/inner.txt" 0644
	put "$t/share/a-file-then-link" 0644
	ln -s ../README.txt "$t/share/a-link-then-file"
	put "$t/share/a-dir-then-link/inner.txt" 0644
	ln -s doc "$t/share/a-link-then-dir"
}

new_tree() {
	local t=$1
	common "$t"
	product "$t/updates/product.yaml" 1.1
	put "$t/bin/start.sh" 0755 two
	bytes "$t/bin/daemon" 5200 two
	put "$t/bin/tool.sh" 0755
	properties "$t/conf/server.properties" 8080 250
	users "$t/conf/users.xml" reader
	put "$t/conf/app.yaml" 0644 two
	put "$t/conf/extra/tls.ini" 0644
	bytes "$t/lib/core-1.1.jar" 9500 core
	ln -s core-1.1.jar "$t/lib/core.jar"
	bytes "$t/lib/driver.jar" 6100 two
	bytes "$t/lib/twin.jar" 2000 two
	cp "$t/lib/twin.jar" "$t/lib/twin-link.jar"
	bytes "$t/lib/added/deep/new.jar" 1600 new
	bytes "$t/database/seed.db" 900 two
	bytes "$t/webapps/shop.war" 4100 two
	put "$t/webapps/ROOT/index.html" 0644 two
	put "$t/webapps/examples/index.html" 0644 two
	put "$t/webapps/examples/extra.txt" 0644 two
	mkdir -p "$t/cache/pages"
	put "$t/share/a-file-then-dir/inner.txt" 0644
	put "$t/share/a-dir-then-file" 0644
	ln -s ../README.txt "$t/share/a-file-then-link"
	put "$t/share/a-link-then-file" 0644
	ln -s doc "$t/share/a-dir-then-link"
	put "$t/share/a-link-then-dir/inner.txt" 0644
}

# A fixed time for everything, so that two runs make the same trees.
settle() { find "$1" -depth -exec touch -h -d '2026-01-02 03:04:05.678901234 UTC' {} +; }

trees() {
	local dir=$1
	umask 022
	rm -rf "$dir/old" "$dir/new"
	mkdir -p "$dir/old" "$dir/new"
	old_tree "$dir/old"
	new_tree "$dir/new"
	if [ $# -eq 3 ]; then
		install -m 0755 "$2" "$dir/old/bin/inplace"
		install -m 0755 "$3" "$dir/new/bin/inplace"
	fi
	product "$dir/product.yaml" 1.0
	cat >"$dir/notes.yaml" <<-'TEXT'
		schema: inplace/notes/1
		renames: [{from: lib/core-1.0.jar, to: lib/core-1.1.jar}]
		fixes:
		  - {id: CVE-2026-0001, kind: security, severity: high, summary: "the guest account could write"}
		  - {id: FIX-12, kind: bug, summary: "threads.max was too low"}
		instructions: |
		  Tell the users that the pages under /cache are new.
	TEXT
	settle "$dir/old"
	settle "$dir/new"
}

# try COMMAND...: says so where this system or this user cannot do it.
try() { "$@" 2>/dev/null || echo "fixture.sh: not possible here: ${*##*/}" >&2; }

# metadata HOME: what an update has to carry over besides the bytes, on paths that are
# replaced, merged, renamed, removed or kept. chown comes first: it takes the others away.
metadata() {
	local home=$1
	chmod 0750 "$home/bin/start.sh" "$home/tools"
	chmod 0640 "$home/conf/users.xml"
	if [ "$(id -u)" = 0 ]; then # the tree itself stays root's
		chown 65534:65534 "$home"/{bin/start.sh,bin/tool.sh,conf,conf/app.yaml,conf/server.properties,lib/gone.jar,lib/driver.jar,README.txt}
		chown -h 65534:65534 "$home/lib/core.jar"
	fi
	try setfattr -n user.origin -v operator "$home"/{conf/server.properties,conf/app.yaml,lib/driver.jar,lib/core-1.0.jar,lib/gone.jar,README.txt,webapps}
	if [ -z "${FIXTURE_NO_ACL:-}" ]; then
		try setfacl -m u:65534:r "$home"/{conf/users.xml,lib/twin.jar,share/empty.txt}
		try setfacl -m d:u:65534:rx "$home/conf"
	fi
	try setfattr -n security.selinux -v system_u:object_r:etc_t:s0 "$home/conf/app.yaml"
	try setcap cap_net_bind_service=ep "$home/bin/daemon"
}

edit() {
	local home=$1
	sed -i 's/^server.port=8080$/server.port=9090   # behind the proxy/' "$home/conf/server.properties"
	sed -i 's/<user name="admin" role="admin"\/>/<user name="root" role="admin"\/>/' "$home/conf/users.xml"
	sed -i 's/line 3/line 3, more of it/' "$home/conf/logging.properties"
	printf 'key=value\n' >"$home/conf/local.properties"
	rm -r "$home/webapps/examples" "$home/share/doc/old-note.txt"
	printf 'mine\n' >"$home/lib/own.jar"
	printf 'mine\n' >"$home/tools/legacy/mine.sh"
	ln "$home/lib/driver.jar" "$home/lib/driver-link.jar"
	# what the running product left behind
	mkdir -p "$home/webapps/shop/WEB-INF" "$home/database/base"
	printf 'exploded\n' >"$home/webapps/shop/WEB-INF/page.txt"
	printf 'rows\n' >"$home/database/base/table"
	printf 'started\n' >"$home/logs/out.log"
	metadata "$home"
	settle "$home"
}

usage() {
	sed -n '4,6p' "$0" >&2
	exit 2
}

case ${1:-} in
trees) if [ $# -eq 2 ] || [ $# -eq 4 ]; then trees "${@:2}"; else usage; fi ;;
edit) if [ $# -eq 2 ]; then edit "$2"; else usage; fi ;;
*) usage ;;
esac
