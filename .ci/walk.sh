#!/usr/bin/env bash
# walk.sh - takes real releases of real products through everything an operator does.
#
# Usage: PRODUCTS="tomcat allure postgres" SOURCES="directory server bundle" .ci/walk.sh
#
# Default: tomcat, from each of the sources: the repository's directory, the same directory
# over HTTP by `inplace serve`, and one file made by `inplace fetch`.
#
# Two releases of each product come from ../shared/tools/products/get.sh (PRODUCTS_GET
# names another such script); they are kept in the user's cache. .ci/products.sh brings
# them into the shape of a product (bin conf lib webapps), makes the few changes to
# configuration the vendor is supposed to have made in the newer one, and edits an
# installation as an operator would. Then:
#
#   publish both, twice (same bytes) - pack in each form, from both - then from each source:
#   check - adopt - adopt again - dry run (watched by strace, and on a read-only mount where
#   one may be made) - pack with the edits - update - status - history - update again - the
#   snapshot's restore.sh on a copy - revert - update - down to level 0 - an update into a
#   conflict
#
# After every step the whole tree is compared with an expectation: before a change, with
# the tree as it was, times and owners included; after one, with what .ci/trees.py makes
# of the three trees by cp, rm and `git merge-file`. Nothing of the updater's own code
# takes part in it.
#
# INPLACE names the binary to walk with; default: built from this checkout. KEEP=1 leaves
# the working directory.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=lib.sh
. .ci/lib.sh
# shellcheck source-path=SCRIPTDIR source=products.sh
. .ci/products.sh

read -ra products <<<"${PRODUCTS:-tomcat}"
read -ra sources <<<"${SOURCES:-directory server bundle}"
get=${PRODUCTS_GET:-../shared/tools/products/get.sh}
cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/inplace-walk
[ "$(uname -s)" = Linux ] || cannot_run "the products are Linux packages, this is $(uname -s)"
[ -x "$get" ] || cannot_run "no $get (set PRODUCTS_GET)"
for tool in python3 git dpkg-deb tar zstd unzip; do
	command -v "$tool" >/dev/null || cannot_run "no $tool"
done

mkdir -p "$cache"
fetch() { # fetch PRODUCT; with fresh package lists when the first try fails
	"$get" "$cache" "$1" && return
	[ "$(id -u)" = 0 ] && apt-get -q update >/dev/null 2>&1 && "$get" "$cache" "$1"
}
for p in "${products[@]}"; do
	fetch "$p" || cannot_run "the packages of $p cannot be had"
done

work=$(mktemp -d)
mounted=
server=
cleanup() {
	[ -z "$server" ] || kill "$server"
	[ -z "$mounted" ] || umount "$mounted"
	if [ -n "${KEEP:-}" ]; then echo "kept: $work"; else rm -rf "$work"; fi
}
trap cleanup EXIT

inplace=${INPLACE:-$work/inplace}
[ -n "${INPLACE:-}" ] || CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$inplace" .
export HOME=$work/user TMPDIR=$work/tmp INPLACE_CACHE_DIR=$work/cache INPLACE_PASSPHRASE=
SOURCE_DATE_EPOCH=$(($(date +%s) / 86400 * 86400))
export SOURCE_DATE_EPOCH
mkdir "$HOME" "$TMPDIR"

fail() { printf 'walk: %s\n' "$*" >&2; exit 1; }

# run CODE COMMAND...: the command, started in /, has to give this exit code. Its output goes to
# $work/out and, when it gives another one, to the reader.
run() {
	local want=$1 got=0
	shift
	(cd / && exec "$@") >"$work/out" 2>&1 </dev/null || got=$?
	[ "$got" = "$want" ] || { cat "$work/out"; fail "${*##*/} gave $got, want $want"; }
}

# What the updater puts beside the product is not part of the comparison; anything it
# left beyond these names is.
readonly state=(bin/inplace bin/update.sh bin/update.cmd updates/OPEN updates/settings.yaml
	updates/installed updates/backups updates/conflicts updates/resolutions updates/stage
	updates/journal updates/lock updates/history.jsonl updates/logs updates/trust)

# list TREE [OPTION...]: the product's paths; with --times --owners as exact as it gets.
list() {
	local options=() name
	for name in "${state[@]}"; do options+=(--skip "$name"); done
	.ci/trees.py list "$@" "${options[@]}"
}

# exact TREE: the product's paths with times and owners.
exact() { list "$1" --times --owners; }

# frozen TREE [OPTION...]: everything, down to the updater's own state, for steps that must not
# change a thing; OPTION is for what may.
frozen() { .ci/trees.py list "$@" --times --owners; }

compare() { # compare WHAT WANTED GOT
	diff "$2" "$3" >"$work/diff" || { head -40 "$work/diff"; fail "$1: the trees differ (< want, > got)"; }
	printf '  %-42s %5d paths as expected\n' "$1" "$(wc -l <"$3")"
}

# product_of HOME TREE copies an installation without the updater's part.
product_of() {
	cp -a "$1" "$2"
	local name
	for name in "${state[@]}"; do rm -rf "${2:?}/$name"; done
}

# expect NAME BASE HOME THEIRS: $work/NAME.want is the list of what an update of HOME has
# to make of it; with conflicts the exit code is 3 and $work/NAME.conflicts lists them.
expect() {
	local options=() glob code=0
	while read -r glob; do options+=(--config "$glob"); done < <("config_$product")
	for glob in logs temp work; do options+=(--data "$glob/**"); done
	rm -rf "$work/ours" "$work/want"
	product_of "$3" "$work/ours"
	.ci/trees.py expect "$2" "$work/ours" "$4" "$work/want" "${options[@]}" >"$work/$1.conflicts" || code=$?
	[ "$code" != 0 ] || list "$work/want" >"$work/$1.want"
	return "$code"
}

publish() {
	local repo=$work/repo keys=$work/keys r
	run 0 "$inplace" release init "$repo" --keys "$keys" --product "$work/old/updates/product.yaml"
	cp -a "$repo" "$work/repo2"
	cat >"$work/notes.yaml" <<-TEXT
		schema: inplace/notes/1
		fixes: [{id: $product-1, kind: security, severity: high, summary: "as the changelog says"}]
		instructions: |
		  Restart every node.
	TEXT
	for r in "$repo" "$work/repo2"; do
		run 0 "$inplace" release add "$r" "$work/old" --level 0 --channel full --keys "$keys"
		run 0 "$inplace" release add "$r" "$work/new" --level 1 --channel full --keys "$keys" --notes "$work/notes.yaml"
	done
	# The signed metadata hold the time of signing; everything else follows from the trees.
	diff -r -x metadata -x .lock "$repo" "$work/repo2" >"$work/diff" || { head "$work/diff"; fail "the same releases gave different repositories"; }
	run 0 "$inplace" release add "$repo" "$work/new" --level 1 --channel full --keys "$keys" --notes "$work/notes.yaml"
	run 1 "$inplace" release add "$repo" "$work/old" --level 1 --channel full --keys "$keys" --notes "$work/notes.yaml"
	echo "  published twice, byte for byte the same"
}

# unpack FILE|DIR NAME: what an operator would do, into $work/NAME.
unpack() {
	rm -rf "${work:?}/$2"
	case $1 in
	*.tar.zst) mkdir "$work/$2" && tar --zstd -xf "$1" -C "$work/$2" ;;
	*.zip) unzip -q "$1" -d "$work/$2" ;;
	*) mv "$1" "$work/$2" ;;
	esac
}

# pack_shipped: each form holds the newer release, and the same bytes from either repository.
pack_shipped() {
	local x
	.ci/trees.py list "$work/new" >"$work/shipped"
	for x in tar.zst zip directory; do
		rm -rf "$work/pack.$x" "$work/pack2.$x"
		run 0 "$inplace" pack --source "$work/repo" --level 1 -o "$work/pack.$x"
		run 0 "$inplace" pack --source "$work/repo2" -o "$work/pack2.$x"
		if [ -f "$work/pack.$x" ]; then
			cmp "$work/pack.$x" "$work/pack2.$x" || fail "packed twice, $x differs"
		else
			diff <(exact "$work/pack.$x") <(exact "$work/pack2.$x") || fail "packed twice, the directories differ"
		fi
		unpack "$work/pack.$x" unpacked
		.ci/trees.py list "$work/unpacked" >"$work/got"
		compare "pack as $x is the release" "$work/shipped" "$work/got"
	done
	rm -rf "$work"/pack2.* "$work/pack.zip" "$work/unpacked"
}

# paths: of the lines of a list, the last field, which is quoted.
paths() { sed -E "s/.* ('[^']*'|\"[^\"]*\")\$/\1/"; }

# pack_edits: a pack with the edits has nothing but what the update would leave, and of
# that everything but what is in no release.
pack_edits() {
	rm -rf "$work/pack.tar.zst"
	run 0 "$update" pack --with-edits -o "$work/pack.tar.zst"
	cat "$work/out"
	unpack "$work/pack.tar.zst" unpacked
	list "$work/unpacked" >"$work/got"
	list "$work/new" | paths | sort >"$work/theirs"
	comm -23 <(sort "$work/got") <(sort "$work/update.want") >"$work/diff"
	[ ! -s "$work/diff" ] || { head -40 "$work/diff"; fail "the pack with edits has what the update would not leave"; }
	comm -13 <(sort "$work/got") <(sort "$work/update.want") | paths | sort | comm -12 - "$work/theirs" >"$work/diff"
	[ ! -s "$work/diff" ] || { head -40 "$work/diff"; fail "the pack with edits lacks what the update would leave"; }
	printf '  %-42s %5d paths as expected\n' "pack with the edits" "$(wc -l <"$work/got")"
	rm -rf "$work/unpacked"
	frozen "$home" >"$work/got"
	compare "packing changes nothing" "$work/frozen" "$work/got"
}

# The sources, each of which sets source to what the updater is told.
source_directory() { source=$work/repo; }

source_server() {
	local n
	"$inplace" serve "$work/repo" --listen 127.0.0.1:0 --address-file "$work/address" --access-log "$work/access.log" >"$work/served" 2>&1 &
	server=$!
	for ((n = 0; n < 100; n++)); do
		[ ! -s "$work/address" ] || { source=$(cat "$work/address") && return; }
		sleep 0.1
	done
	cat "$work/served"
	fail "the server does not come up"
}

source_bundle() {
	source=$work/repo.bundle
	run 0 "$inplace" fetch --source "$work/repo" -o "$source"
	cat "$work/out"
}

# stop_server ends it as an operator would; it has to end well, and to have given contents.
stop_server() {
	[ -n "$server" ] || return 0
	kill "$server"
	wait "$server" || fail "the server ended with $?"
	server=
	grep -q 'GET /[^ ]*blobs/[^ ]* HTTP/1.1" 200' "$work/access.log" || fail "the server has given no contents"
}

install_and_adopt() {
	cp -a "$work/old" "$home"
	"operator_$product" "$home"
	exact "$home" >"$work/before"
	run 0 "$inplace" adopt "$home" --source "$source" --root "$work/repo/metadata/1.root.json"
	cat "$work/out"
	exact "$home" >"$work/got"
	compare "adopt changes no file of the product" "$work/before" "$work/got"
	frozen "$home" --skip updates/logs >"$work/frozen"
	run 0 "$inplace" adopt "$home" --source "$source"
	frozen "$home" --skip updates/logs >"$work/got"
	compare "adopt again changes nothing" "$work/frozen" "$work/got"
}

# Calls that change a name, a mode, a time or bytes; in strace's words.
readonly changing='O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|mkdir|unlink|rename|link\(|linkat|symlink|mknod|chmod|chown|utime|truncate|setxattr|removexattr'

look_first() {
	frozen "$home" >"$work/frozen"
	run 10 "$update" check
	cat "$work/out"
	run 0 "$update" --dry-run
	cat "$work/out"
	cp "$work/out" "$work/plan"
	run 0 "$update" --dry-run --json
	"$update" --dry-run --json 2>/dev/null | python3 -c 'import json, sys; json.load(sys.stdin)' || fail "--dry-run --json: no JSON document"
	if command -v strace >/dev/null; then
		run 0 strace -f -qq -yy -e trace=%file,%desc -o "$work/trace" "$update" --dry-run
		if grep -F "$home" "$work/trace" | grep -vE 'execve\(|readlink|= -1 E' | grep -E "$changing" >"$work/diff"; then
			head "$work/diff"
			fail "--dry-run makes calls that change the installation"
		fi
		echo "  strace: no call of the dry run changes the installation"
	fi
	if mount --bind "$home" "$home" 2>/dev/null; then
		mounted=$home
		mount -o remount,ro,bind "$home"
		run 0 "$update" --dry-run # the plan, and a warning that nothing can be written here
		grep -q 'read-only file system' "$work/out" || { cat "$work/out"; fail "the dry run does not see the read-only mount"; }
		sed '/^Of [0-9]* paths/,$d; /^warning: /d' "$work/out" >"$work/plan.mounted"
		umount "$home"
		mounted=
		diff <(sed '/^Of [0-9]* paths/,$d' "$work/plan") "$work/plan.mounted" | grep '^[<>]' | grep -v 'are free' &&
			fail "the dry run on a read-only mount gives another plan"
		echo "  dry run on a read-only mount"
	fi
	frozen "$home" >"$work/got"
	compare "a dry run changes nothing" "$work/frozen" "$work/got"
}

# restore_sh compares what the snapshot's own script makes of a copy with what was there.
restore_sh() {
	local script
	cp -a "$home" "$work/copy"
	script=$(find "$work/copy/updates/backups" -name restore.sh)
	[ -f "$script" ] || fail "want one restore.sh, got: $script"
	rm "$work/copy/bin/inplace"
	run 0 sh "$script"
	exact "$work/copy" >"$work/got"
	compare "restore.sh brings everything back" "$work/before" "$work/got"
	rm -rf "$work/copy"
}

there_and_back() {
	expect update "$work/old" "$home" "$work/new" || fail "the edits conflict: $(cat "$work/update.conflicts")"
	look_first
	pack_edits
	run 0 "$update"
	cat "$work/out"
	list "$home" >"$work/got"
	compare "update" "$work/update.want" "$work/got"
	run 0 "$update" status
	cat "$work/out"
	run 0 "$update" history
	cat "$work/out"
	exact "$home" >"$work/updated"
	run 0 "$update"
	exact "$home" >"$work/got"
	compare "update again changes nothing" "$work/updated" "$work/got"
	restore_sh
	run 0 "$update" --revert
	cat "$work/out"
	exact "$home" >"$work/got"
	compare "revert, times and owners too" "$work/before" "$work/got"
	run 0 "$update"
	list "$home" >"$work/got"
	compare "update after the revert" "$work/update.want" "$work/got"
	expect down "$work/new" "$home" "$work/old" || fail "the way down conflicts: $(cat "$work/down.conflicts")"
	run 0 "$update" --level 0
	list "$home" >"$work/got"
	compare "down to level 0" "$work/down.want" "$work/got"
}

into_a_conflict() {
	local path code=0
	path=$("clash_$product" "$home")
	expect clash "$work/old" "$home" "$work/new" || code=$?
	[ "$code $(cat "$work/clash.conflicts")" = "3 $path" ] || fail "want a conflict in $path only, got: $(cat "$work/clash.conflicts")"
	exact "$home" >"$work/clash"
	run 3 "$update" --dry-run
	run 3 "$update"
	cat "$work/out"
	grep -qF "$path" "$work/out" || fail "the conflict does not name $path"
	exact "$home" >"$work/got"
	compare "a conflict changes nothing" "$work/clash" "$work/got"
}

walk() { # walk PRODUCT
	local versions kind
	product=$1
	mkdir "$work/$1"
	mapfile -t versions < <(cd "$cache/$1" && printf '%s\n' * | sort -V)
	[ ${#versions[@]} = 2 ] || fail "$cache/$1: want two releases, got ${versions[*]}"
	echo "--- $1 ${versions[*]}"
	rm -rf "$work/old" "$work/new" "$work/repo" "$work/repo2" "$work/keys"
	for i in 0 1; do
		local tree=$work/old
		[ "$i" = 0 ] || tree=$work/new
		"shape_$1" "$cache/$1/${versions[i]}" "$tree"
		[ "$i" = 0 ] || "vendor_$1" "$tree"
		settle_tree "$tree" "$1" "${versions[i]}"
	done
	publish
	pack_shipped
	for kind in "${sources[@]}"; do
		echo "--- $1 from a $kind"
		home=$work/$1/$kind update=$work/$1/$kind/bin/update.sh
		"source_$kind"
		install_and_adopt
		there_and_back
		into_a_conflict
		stop_server
		rm -rf "$home"
	done
}

for kind in "${sources[@]}"; do
	declare -F "source_$kind" >/dev/null || fail "unknown source $kind"
done

for p in "${products[@]}"; do
	declare -F "shape_$p" >/dev/null || fail "unknown product $p"
	walk "$p"
done
echo "walked through: ${products[*]}"
