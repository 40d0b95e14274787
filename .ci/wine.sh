#!/usr/bin/env bash
# wine.sh - the unit tests of the packages that touch files, as Windows programs under Wine.
#
# Usage: .ci/wine.sh [PACKAGE...]       default: ./backup/fsys ./backup
#
# Wine 8 lacks the DLL from which Go's runtime takes its random numbers, so a stub of three
# lines is built for it. Wine shows no symbolic links: tests that need some skip themselves
# and say so. What Wine shows is that the calls of the Windows twin are made rightly: a real
# NTFS, its locks and its antivirus are another matter.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=lib.sh
. .ci/lib.sh

packages=("$@")
[ ${#packages[@]} -gt 0 ] || packages=(./backup/fsys ./backup)

wine=$(command -v wine64 || true)
[ -n "$wine" ] || wine=/usr/lib/wine/wine64
[ -x "$wine" ] || cannot_run "no wine64"
cc=x86_64-w64-mingw32-gcc
command -v $cc >/dev/null || cannot_run "no $cc"

scratch=$(mktemp -d)
trap 'WINEPREFIX=$scratch/prefix "${wine%64}server" -k 2>/dev/null || true; rm -rf "$scratch"' EXIT
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
exit $bad
