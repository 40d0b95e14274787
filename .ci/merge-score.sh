#!/usr/bin/env bash
# .ci/merge-score.sh - scores `inplace merge` on the real triples of ../shared/corpus/merge
# with the independent oracle ../shared/tools/mergescore, per format and in all.
#
# Usage: .ci/merge-score.sh [MERGESCORE-OPTION...] [CORPUS-DIR...]
#   for example  .ci/merge-score.sh -list            name each silent error
#                .ci/merge-score.sh -format xml,yaml
#
# Prints the table; exit 1 if the totals miss the goals (only on the whole corpus): no
# silent error, no comment of the operator's lost, at most 15 avoidable conflicts, at
# least 258 clean merges. The columns are explained in mergescore's README. Prints
# git's own line merge for comparison with GIT=1.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
shared=../shared
[ -d "$shared/corpus/merge" ] || { echo "$shared/corpus/merge is absent: nothing to score"; exit 0; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/inplace" .
(cd "$shared/tools/mergescore" && go build -o "$work/mergescore" .)

options=() corpora=()
for a in "$@"; do
	if [ -d "$a" ]; then corpora+=("$a"); else options+=("$a"); fi
done
whole=0
if [ "${#corpora[@]}" -eq 0 ]; then
	corpora=("$shared/corpus/merge")
	[[ " ${options[*]-} " == *" -format "* ]] || whole=1
fi
if [ "${GIT-}" = 1 ]; then
	"$work/mergescore" -cmd 'git merge-file -p --diff3 {ours} {base} {theirs}' "${options[@]}" "${corpora[@]}"
fi
"$work/mergescore" -cmd "$work/inplace merge --format {format} {ours} {base} {theirs}" "${options[@]}" "${corpora[@]}" | tee "$work/table"
[ "$whole" = 1 ] || exit 0
awk -F'|' '
	{ gsub(/ /, "", $2) }
	$2 == "format" { for (i = 2; i <= NF; i++) { gsub(/^ +| +$/, "", $i); column[$i] = i } }
	$2 == "all" {
		seen = 1
		fault += $column["SILENT"] > 0 || $column["crash"] > 0 || $column["lost comment"] > 0
		fault += $column["avoidable"] > 15 || $column["clean"] < 258
	}
	END { exit !seen || fault > 0 }
' "$work/table" || { echo "the goals are missed: see the last line of the table"; exit 1; }
