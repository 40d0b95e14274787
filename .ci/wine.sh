#!/usr/bin/env bash
# wine.sh - the unit tests of the packages that touch files, and one whole way there and
# back (publish, adopt, update, revert), as Windows programs under Wine.
#
# Usage: .ci/wine.sh [PACKAGE...]       default: ./backup/fsys ./backup, then the walk
#
# Wine 8 lacks the DLL from which Go's runtime takes its random numbers, so a stub of three
# lines is built for it. Wine shows no symbolic links: tests that need some skip themselves
# and say so. What Wine shows is that the calls of the Windows twin are made rightly: a real
# NTFS, its locks and its antivirus are another matter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=lib.sh
. .ci/lib.sh

packages=("$@") walk=false
[ ${#packages[@]} -gt 0 ] || packages=(./backup/fsys ./backup) walk=true

wine=$(command -v wine64 || true)
[ -n "$wine" ] || wine=/usr/lib/wine/wine64
[ -x "$wine" ] || cannot_run "no wine64"
cc=x86_64-w64-mingw32-gcc
command -v $cc >/dev/null || cannot_run "no $cc"

scratch=$(mktemp -d)
trap 'WINEPREFIX=$scratch/prefix "${wine%64}server" -k 2>/dev/null || true; rm -rf "$scratch"' EXIT
export LC_ALL=C.UTF-8 # by which Wine tells what names are
export WINEPREFIX=$scratch/prefix WINEDEBUG=-all WINEDLLOVERRIDES="mscoree,mshtml="
unset DISPLAY

$cc -shared -O2 -o "$scratch/bcryptprimitives.dll" -xc - -ladvapi32 <<'TEXT'
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE p, SIZE_T n) { return SystemFunction036(p, (ULONG)n); }
TEXT
"$wine" wineboot -i >"$scratch/boot.log" 2>&1 || { cat "$scratch/boot.log"; cannot_run "wineboot failed"; }
cp "$scratch/bcryptprimitives.dll" "$WINEPREFIX/drive_c/windows/system32/"

bad=0
for p in "${packages[@]}"; do
	test=$scratch/test.exe
	GOOS=windows CGO_ENABLED=0 go test -c -o "$test" "$p"
	echo "--- $p"
	(cd "$p" && timeout 600 "$wine" "$test" -test.v) >"$scratch/log" 2>&1 </dev/null || bad=1
	tr -d '\r' <"$scratch/log" | grep -E '^(--- (FAIL|SKIP)|FAIL|PASS|panic)|_test\.go:' || true
	printf '%d passed, %d skipped, %d failed\n' "$(grep -c '^--- PASS' "$scratch/log")" "$(grep -c '^--- SKIP' "$scratch/log")" "$(grep -c '^--- FAIL' "$scratch/log")"
	grep -q '^PASS' "$scratch/log" || bad=1
done

# The walk: the running updater is replaced as well, since both releases ship one.
release() { # release DIR LEVEL
	mkdir -p "$1/bin" "$1/conf" "$1/lib/sub"
	cp "$scratch/inplace-$2.exe" "$1/bin/inplace.exe"
	printf 'port=8080\r\n\r\nname=acme\r\n\r\nthreads=%s\r\n' $((10 + $2)) >"$1/conf/acme.properties"
	echo "core $2" >"$1/lib/core-$2.jar"
	echo "same name, level $2" >"$1/lib/sub/other.jar"
	echo "untouched" >"$1/lib/Readme.txt"
}

list() { (cd "$1" && find . -path ./updates -prune -o -type f -exec sha256sum {} + | sort -k 2); }

inplace() {
	echo "$ inplace $*"
	(cd "$drive" && timeout 120 "$wine" "${program:-inplace.exe}" "$@" </dev/null)
}

walk() {
	drive=$scratch/prefix/drive_c/walk
	mkdir "$drive"
	local v
	for v in 0 1; do
		GOOS=windows CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=1.$v" -o "$scratch/inplace-$v.exe" .
		release "$drive/level$v" $v
	done
	cp "$scratch/inplace-0.exe" "$drive/inplace.exe"
	printf 'schema: inplace/product/1\nname: acme\nversion: "1.0"\nconfig: ["conf/**"]\n' >"$drive/product.yaml"
	export INPLACE_PASSPHRASE=""
	inplace release init repo --keys keys --product product.yaml
	for v in 0 1; do inplace release add repo level$v --level $v --channel full --keys keys; done
	cp -r "$drive/level0" "$drive/home"
	sed -i 's/8080/9090/' "$drive/home/conf/acme.properties"
	inplace adopt home --source repo
	local before
	before=$(list "$drive/home")
	local program=home/bin/inplace.exe
	inplace --dry-run
	inplace --yes
	printf 'port=9090\r\n\r\nname=acme\r\n\r\nthreads=11\r\n' | cmp - "$drive/home/conf/acme.properties"
	cmp "$drive/level1/bin/inplace.exe" "$drive/home/bin/inplace.exe"
	[ ! -e "$drive/home/lib/core-0.jar" ]
	[ -e "$drive/home/lib/core-1.jar" ]
	inplace guard
	inplace status
	inplace --revert
	[ "$(list "$drive/home")" = "$before" ] || { echo "the revert left other files"; diff <(echo "$before") <(list "$drive/home"); exit 1; }
	inplace history
	echo "walked through as a Windows program"
}

if $walk; then
	echo "--- walk"
	set +e # in a condition the function would run without
	(
		set -euo pipefail
		walk
	)
	bad=$((bad + $?))
fi
exit $((bad > 0))
