#!/usr/bin/env bash
# bench.sh - how fast this is, beside the physical floor and beside what people use today.
#
# Usage: .ci/bench.sh [-n RUNS] [-f FS[,FS]] [-d DIR] [-o FILE.md] [TREE...]
#
#   TREE   gen1k gen10k gen100k (../shared/tools/gentree), tomcat postgres (real releases by
#          ../shared/tools/products/get.sh); default: all but gen100k, which takes an hour
#   -n     runs of each case, which take turns; the medians are shown (default 5)
#   -f     file systems: tmpfs (/dev/shm), ext4, xfs (default: all three). ext4 is the one
#          that DIR lies on, and left out where it is another; xfs a loop image in DIR, for
#          which root is needed
#   -d     where images and trees lie (default /var/tmp)
#   -o     write the table there (default: standard output)
#
# bench.py has the cases. The floors are those of ../shared/tools/perfbench. A machine that
# does other work at the same time shows: the table tells its load, and processor times.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=lib.sh
. .ci/lib.sh
# shellcheck source-path=SCRIPTDIR source=products.sh
. .ci/products.sh

runs=5 systems=tmpfs,ext4,xfs place=/var/tmp out=
while getopts n:f:d:o: flag; do
	case $flag in
	n) runs=$OPTARG ;;
	f) systems=$OPTARG ;;
	d) place=$OPTARG ;;
	o) out=$OPTARG ;;
	*) sed -n 's/^# \{0,1\}//; 3,15p' "$0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
trees=("$@")
[ ${#trees[@]} -gt 0 ] || trees=(gen1k gen10k tomcat postgres)

[ -d ../shared/tools/perfbench ] || cannot_run "no ../shared/tools/perfbench"
need rsync rsync
need git git
need zip zip
need unzip unzip
need find findutils
need python3 python3
need zstd zstd
[[ $systems != *xfs* ]] || need mkfs.xfs xfsprogs
install_needed

fail() { printf 'bench: %s\n' "$*" >&2; exit 1; }

work=$(mktemp -d "$place/inplace-bench.XXXXXX")
ram=
mounted=()
# shellcheck disable=SC2317 # called by the trap
cleanup() {
	local m
	for m in "${mounted[@]}"; do umount "$m"; done
	rm -rf "$work" ${ram:+"$ram"}
}
trap cleanup EXIT

CGO_ENABLED=0 go build -trimpath -ldflags "-s -w" -o "$work/inplace" .
(cd ../shared/tools/perfbench && go build -o "$work/pb" .)

# source_of TREE makes $work/src/TREE/old and new, as a vendor ships them.
source_of() {
	local at=$work/src/$1 cache=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/inplace-walk v
	[ ! -d "$at" ] || return 0
	case $1 in
	gen*k)
		(cd ../shared/tools/gentree && go run . -out "$at" -files $((${1//[a-z]/} * 1000))) >/dev/null
		for v in old new; do
			mkdir -p "$at/$v/updates"
			printf 'schema: inplace/product/1\nname: %s\nversion: "1"\nconfig: ["repository/conf/**"]\n' "$1" >"$at/$v/updates/product.yaml"
		done
		;;
	tomcat | postgres)
		mkdir -p "$cache" "$at"
		../shared/tools/products/get.sh "$cache" "$1" >/dev/null || fail "the packages of $1 cannot be had"
		local releases=("$cache/$1"/*/)
		"shape_$1" "${releases[0]%/}" "$at/old"
		"shape_$1" "${releases[1]%/}" "$at/new"
		"vendor_$1" "$at/new"
		for v in old new; do settle_tree "$at/$v" "$1" "$v"; done
		;;
	*) fail "unknown tree $1" ;;
	esac
}

# place_of FS says where to work on that file system, "" where there is none.
place_of() {
	case $1 in
	tmpfs)
		[ -w /dev/shm ] || return 0
		ram=$(mktemp -d /dev/shm/inplace-bench.XXXXXX)
		where=$ram
		;;
	ext4)
		[ "$(stat -f -c %T "$work")" != ext2/ext3 ] || where=$work/ext4
		;;
	xfs)
		[ "$(id -u)" = 0 ] || return 0
		truncate -s 16G "$work/xfs.img"
		mkfs.xfs -q -m reflink=1 "$work/xfs.img"
		mkdir "$work/xfs"
		mount -o loop "$work/xfs.img" "$work/xfs"
		mounted+=("$work/xfs")
		where=$work/xfs
		;;
	*) fail "unknown file system $1" ;;
	esac
	[ -z "$where" ] || mkdir -p "$where"
}

for tree in "${trees[@]}"; do source_of "$tree"; done
export TZ=UTC LC_ALL=C INPLACE_PASSPHRASE='' INPLACE_CACHE_DIR=$work/cache
rows=$work/rows.json bad=0
for fs in ${systems//,/ }; do
	where=
	place_of "$fs"
	[ -n "$where" ] || { echo "no $fs here" >&2; continue; }
	for tree in "${trees[@]}"; do
		echo "--- $tree on $fs" >&2
		HOME=$work .ci/bench.py run "$work" "$where/$tree" "$fs" "$tree" "$runs" "$rows" || bad=1
	done
done
.ci/bench.py table "$rows" >"${out:-/dev/stdout}"
exit "$bad"
