#!/usr/bin/env bash
# campaign.sh - the full crash campaign: every point of every subject, in every mode.
#
# Usage: .ci/campaign.sh [-o DIR] [-l] [SECTION...]
#
#   -o DIR   where results are collected (default campaign-results): for each section the
#            harness's log, its JSON and a line of facts. campaign-table.py DIR makes the
#            table of docs/reliability.md of them.
#   -l       list the sections and end
#
# A section is SUBJECT.MODE, see below; patterns such as 'update.*' or '*.kill' select
# several. Without any, all are run, the most telling first: many hours on two cores.
#
# Subjects are those of crash-lib.sh. Modes:
#
#   kill       kill -9 before, after and within each counted call; at every such point
#              recovery is killed as well, at NESTED (default 3) of its own calls
#   error      each call fails once, with each of ENOSPC, EIO, EACCES, EPERM, EROFS, and
#              each write is cut short once; the run must have rolled back by itself
#   sticky     the same, and lasting: from the Nth call to the end of the run; recovery on
#              a sound disk may have to mend it
#   powercut   the trees that a power cut may leave, by the models journal and weak
#   ext4, xfs, btrfs   the same on a real file system, cut after block writes and flushes
#   space, inodes      a really full disk: a tmpfs with too few bytes, or inodes
#   race       three runs at once; race-mixed: update, revert and status at once
#
# SAMPLE (default 0: all; 300 cuts of each of two recordings for disks, 200 races, 24 steps
# of space) is about how many points a section takes. All but the disks run below /dev/shm
# where TMPDIR is not set. A failed point makes exit 1 and is named in the section's log.
# Disks, space and inodes need root.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=lib.sh
. .ci/lib.sh
# shellcheck source-path=SCRIPTDIR source=crash-lib.sh
. .ci/crash-lib.sh

sections=(
	{update,revert}.kill
	{update,revert}.sticky
	{update,revert}.powercut
	{update,revert}.{ext4,xfs,btrfs}
	{update,revert}.error
	revert-to.{kill,error,sticky,powercut,ext4}
	recovery.{kill,error,sticky,powercut,ext4,xfs,btrfs}
	{update,revert}-self.{kill,error}
	renew.{kill,error,sticky}
	{update,revert}-shim.{powercut,ext4,xfs,btrfs}
	{update,revert}-follow.{kill,error,sticky,powercut,ext4,xfs,btrfs}
	adopt.{kill,error,sticky,powercut,ext4,xfs,btrfs}
	release-add.{kill,error,sticky,powercut,ext4,xfs,btrfs}
	{update,revert}.{space,inodes}
	{update,revert,release-add}.race
	update.race-mixed
)
results=campaign-results
sample=${SAMPLE:-0}
nested=${NESTED:-3}
readonly errors=ENOSPC,EIO,EACCES,EPERM,EROFS

# run_section SUBJECT MODE: one run of the harness, its log and its facts.
run_section() {
	local section=$1.$2 mode=$2 n=$sample code=0
	subject "$1"
	unset FIXTURE_NO_ACL
	if [ "$2" = xfs ]; then # it lists each ACL under a second name, which no other file system does
		export FIXTURE_NO_ACL=1
		fixture+=", no ACLs"
	fi
	case $2 in
	kill) options+=(--nested "$nested") ;;
	error) options+=(--sticky=false --errors "$errors") ;;
	sticky) mode=error options+=(--lenient --errors "$errors") ;;
	ext4 | xfs | btrfs) mode=disk options+=(--fs "$2") ;;
	race) options+=(--busy-codes 5) n=$((n > 0 ? n : 200)) ;;
	race-mixed)
		mode=race n=$((n > 0 ? n : 200))
		options+=(--run "sh $made/mixed.sh" --copies 1) ;;
	esac
	case $section in
	recovery.error | recovery.sticky)
		# A recovery that fails may turn round: the tree from before the update, which is
		# neither of the two that are compared here. The next update has to lead to the new.
		options+=(--run "$update" --recover "$update" --lenient) ;;
	esac
	facts "$section" "$2" >"$results/$section.facts"
	if [ "$2" = inodes ]; then
		inodes "$1" "$section" >"$results/$section.log" 2>&1 || code=$?
	else
		"$crashtest" "${options[@]}" -v --mode "$mode" --sample "$n" --json "$results/$section.json" >"$results/$section.log" 2>&1 || code=$?
	fi
	tail -n 1 "$results/$section.log"
	return $code
}

facts() { # facts SECTION MODE
	local model=-
	case $2 in
	powercut) model=journal,weak ;;
	kill) model="nested $nested" ;;
	error) model="once: $errors, short" ;;
	sticky) model="once and lasting: $errors, short" ;;
	ext4 | xfs | btrfs) model="$2 image" ;;
	space | inodes) model=tmpfs ;;
	race) model="3 at once" ;;
	race-mixed) model="update, revert, status at once" ;;
	esac
	printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$1" "$fixture" "$model" "$sample" \
		"$(git rev-parse --short HEAD 2>/dev/null || cat .revision 2>/dev/null || echo unknown)" "$(date -u +%F)"
}

# mixed.sh: update, revert and status at once. Each must work or find the others at work,
# and together they leave the old tree or the new one; then one more update leads to the new.
write_mixed() {
	cat >"$made/mixed.sh" <<-'TEXT'
		. "$CI_MADE/env"
		u=$CT_ROOT/bin/update.sh
		list() { (cd "$CT_ROOT" && find . -path ./updates -prune -o -printf '%p %y %m %U:%G %l\n' && find . -path ./updates -prune -o -type f -exec sha256sum {} +) | sort; }
		[ -f "$CI_MADE/list.old" ] || list >"$CI_MADE/list.old"
		if [ ! -f "$CI_MADE/list.new" ]; then
			"$u" && list >"$CI_MADE/list.new" && "$u" --revert || exit 90
		fi
		"$u" & a=$!
		"$u" --revert & b=$!
		"$u" status & c=$!
		wait $a; x=$?
		wait $b; y=$?
		wait $c; z=$?
		case $x in 0 | 5) ;; *) echo "update gave $x"; exit 91 ;; esac
		case $y in 0 | 1 | 5) ;; *) echo "revert gave $y"; exit 92 ;; esac
		case $z in 0 | 5) ;; *) echo "status gave $z"; exit 93 ;; esac
		list >"$CT_WORK/list"
		cmp -s "$CT_WORK/list" "$CI_MADE/list.old" || cmp -s "$CT_WORK/list" "$CI_MADE/list.new" || { echo "neither old nor new"; exit 94; }
		exec "$u"
	TEXT
}

# inodes SUBJECT SECTION does for inodes what the harness's mode space does for bytes: the
# run on a tmpfs with N inodes more than the installation needs, for each N until three
# in a row suffice. Without room the run must say 1 and leave the old tree, and with room
# again a second run must work.
inodes() {
	[ "$(id -u)" = 0 ] || cannot_run "mounting needs root"
	local base=$made/inodes old="" new="" n points=0 wrong=0 enough=0 code last start=$SECONDS
	export CT_WORK=$base/work CT_ROOT=$base/work/root
	mkdir -p "$CT_WORK" "$base/pristine"
	sh -c "${options[1]}" >/dev/null 2>&1
	cp -a "$CT_WORK/." "$base/pristine/"
	local run="" i
	for ((i = 0; i < ${#options[@]}; i++)); do
		[ "${options[$i]}" != --run ] || run=${options[$((i + 1))]}
	done
	old=$(tree_list)
	sh -c "$run" >/dev/null 2>&1
	new=$(tree_list)
	local used
	used=$(find "$base/pristine" | wc -l)
	for ((n = 2; enough < 3 && n < 400; n++)); do
		mount -t tmpfs -o "nr_inodes=$((used + n))" inodes "$CT_WORK"
		cp -a "$base/pristine/." "$CT_WORK/"
		code=0
		last=$(sh -c "$run" 2>&1) || code=$?
		case $code in
		0) enough=$((enough + 1)) && [ "$(tree_list)" = "$new" ] || code=99 ;;
		1) enough=0 && [ "$(tree_list)" = "$old" ] || code=98 ;;
		esac
		points=$((points + 1))
		mount -o remount,nr_inodes=0 "$CT_WORK"
		if [ "$code" -gt 1 ] || { [ "$code" = 1 ] && ! sh -c "$run" >/dev/null 2>&1; } || [ "$(tree_list)" != "$new" ]; then
			wrong=$((wrong + 1))
			printf 'FAIL %d inodes left: %s: %s\n' "$n" "$code" "$last"
		fi
		umount "$CT_WORK"
	done
	[ "$enough" = 3 ] || { echo "FAIL never enough inodes"; wrong=$((wrong + 1)); }
	printf '{"points": %d, "failed": %d, "seconds": %d}\n' "$points" "$wrong" $((SECONDS - start)) >"$results/$2.json"
	printf '%d points, %d passed, %d failed\n' "$points" $((points - wrong)) "$wrong"
	[ "$wrong" = 0 ]
}

tree_list() {
	(cd "$CT_ROOT" && find . -path './updates/[^p]*' -prune -o -printf '%p %y %m %U:%G %l\n' && find . -path './updates/[^p]*' -prune -o -type f -exec sha256sum {} +) | sort
}

list=false
while getopts o:l opt; do
	case $opt in
	o) results=$OPTARG ;;
	l) list=true ;;
	*) sed -n 4p "$0" >&2; exit 2 ;;
	esac
done
shift $((OPTIND - 1))
wanted=()
for s in "${sections[@]}"; do
	[ $# -gt 0 ] || wanted+=("$s")
	for p in "$@"; do
		# shellcheck disable=SC2053 # the right side is a pattern
		if [[ $s == $p ]]; then wanted+=("$s"); break; fi
	done
done
[ ${#wanted[@]} -gt 0 ] || { echo "no such section: $*; see -l" >&2; exit 2; }
if $list; then printf '%s\n' "${wanted[@]}"; exit 0; fi

if [ -z "${TMPDIR:-}" ] && [ -w /dev/shm ]; then export TMPDIR=/dev/shm; fi
mkdir -p "$results"
results=$(cd "$results" && pwd)
prepare
write_mixed
bad=0
for s in "${wanted[@]}"; do
	printf -- '--- %s: ' "$s"
	run_section "${s%%.*}" "${s#*.}" || { bad=1; grep -m 20 -A 2 '^FAIL\|^crashtest:' "$results/$s.log" | cut -c 1-300 || true; }
done
exit "$bad"
