#!/usr/bin/env bash
# scale.sh - row C17 at full size: many files and one of 2 GiB, with time and memory.
#
# Usage: .ci/scale.sh [FILES [BYTES]]     default 100000 files, a big one of 2147483648 bytes
#
# Makes two releases of which every hundredth file and the big one differ, adopts the first,
# looks, updates, reverts, and prints seconds and peak memory (KiB) of each command. Ends
# with 1 if a command fails or the revert does not bring back the same bytes. Needs some
# 5 GiB below TMPDIR (/dev/shm where it is not set).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
count=${1:-100000} bytes=${2:-2147483648}
if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
CGO_ENABLED=0 go build -trimpath -o "$work/inplace" .
export INPLACE_PASSPHRASE='' INPLACE_CACHE_DIR=$work/cache HOME=$work

tree() { # tree DIR WORD
	python3 - "$1" "$2" "$count" "$bytes" <<-'PY'
		import os, sys
		root, word, count, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
		for i in range(count):
		    d = f"{root}/lib/{i % 500}"
		    if i < 500:
		        os.makedirs(d)
		    with open(f"{d}/f{i}", "w") as f:
		        f.write(f"file {i} {word if i % 100 == 0 else ''}\n")
		with open(f"{root}/lib/big", "wb") as f:
		    f.truncate(size)
		    f.seek(size // 2)
		    f.write(word.encode())
	PY
}

timed() { # timed NAME COMMAND...
	local code=0
	python3 - "$@" <<-'PY' || code=$?
		import resource, subprocess, sys, time
		start = time.time()
		code = subprocess.run(sys.argv[2:], stdout=subprocess.DEVNULL).returncode
		peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
		print(f"{sys.argv[1]:<16} {time.time() - start:8.1f} s {peak:9d} KiB  exit {code}", flush=True)
		sys.exit(code)
	PY
	return $code
}

digest() { (cd "$1" && find . -path ./updates -prune -o -type f -print0 | sort -z | xargs -0 sha256sum | sha256sum); }

printf 'schema: inplace/product/1\nname: scale\nversion: "1"\n' >"$work/product.yaml"
tree "$work/old" one
tree "$work/new" two
"$work/inplace" release init "$work/repo" --keys "$work/keys" --product "$work/product.yaml" >/dev/null
timed 'release add' "$work/inplace" release add "$work/repo" "$work/old" --level 0 --channel full --keys "$work/keys"
timed 'release add 2nd' "$work/inplace" release add "$work/repo" "$work/new" --level 1 --channel full --keys "$work/keys"
rm -rf "$work/new"
mv "$work/old" "$work/home"
timed adopt "$work/inplace" adopt "$work/home" --source "$work/repo"
before=$(digest "$work/home")
timed 'dry run' "$work/home/bin/update.sh" --dry-run
timed update "$work/home/bin/update.sh"
[ "$(digest "$work/home")" != "$before" ]
timed revert "$work/home/bin/update.sh" --revert
[ "$(digest "$work/home")" = "$before" ]
timed guard "$work/home/bin/inplace" guard
