#!/usr/bin/env bash
# crash.sh - the short crash campaign: updates and reverts are killed, get failing system
# calls and lose power, and several run at once; the installation has to be the old or the
# new one afterwards. campaign.sh is the full one.
#
# Usage: .ci/crash.sh [SUBJECT...]
#
#   update, revert            the fixture's change of release, there and back
#   prepare, prepared         an update prepared and done; what the run does that finds it prepared
#   service, service-boot     an update that stops, starts and watches the product: killed or failing;
#                             and cut, with the product's start script asking the guard
#   renew                     an update that a newer updater does in the place of the old one
#   revert-to                 back over two updates at once
#   update-follow, revert-follow   the same with conf/ behind a link that is followed
#   update-self, revert-self  the same with another updater binary in the new release; no
#                             power cuts here, whose model takes minutes over megabytes
#
# SAMPLE (default 15) is about how many points each mode takes; 0 takes all. The harness
# is ../shared/tools/crashtest, or CRASHTEST; its README explains the modes.
#
# Failing calls come twice: as single failures, after which the run must have rolled back
# by itself, and as lasting ones, which recovery may have to mend. Updates and reverts take
# a core each, side by side; what they print comes one after the other. Power cuts of a subject
# take a minute before the first point, so the short form has them for one of a kind.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=lib.sh
. .ci/lib.sh
# shellcheck source-path=SCRIPTDIR source=crash-lib.sh
. .ci/crash-lib.sh

sample=${SAMPLE:-15}

short() { # short SUBJECT SAMPLE MODES
	local code=0
	subject "$1"
	"$crashtest" "${options[@]}" --sample "$2" --mode "$3" --sticky=false || code=1
	"$crashtest" "${options[@]}" --sample "$2" --mode error --lenient || code=1
	return $code
}

subjects=("$@")
[ ${#subjects[@]} -gt 0 ] || subjects=(update prepare prepared service service-boot revert revert-to update-follow revert-follow update-self revert-self renew)
for s in "${subjects[@]}"; do
	case $s in
	update | prepare | prepared | service | service-boot | revert | revert-to | update-follow | revert-follow | update-self | revert-self | renew) ;;
	*) echo "unknown subject $s" >&2; exit 2 ;;
	esac
done
prepare

# lane SUBJECT... takes the wanted ones of these subjects, one after the other.
lane() {
	local s bad=0
	for s in "$@"; do
		[[ " ${subjects[*]} " == *" $s "* ]] || continue
		echo "--- $s"
		case $s in
		renew) subject "$s" && "$crashtest" "${options[@]}" --sample $((sample / 3)) --mode kill || bad=1 ;;
		*-self) short "$s" $((sample / 5)) kill,error || bad=1 ;;
		prepare) short "$s" $((sample * 2 / 5)) kill,error || bad=1 ;;
		prepared) short "$s" $((sample * 2 / 5)) kill,error,powercut || bad=1 ;;
		service) short "$s" $((sample / 3)) kill,error || bad=1 ;;
		service-boot) subject "$s" && "$crashtest" "${options[@]}" --sample $((sample / 3)) --mode powercut || bad=1 ;;
		revert-to | revert-follow) short "$s" $((sample / 3)) kill,error || bad=1 ;;
		update-follow) short "$s" $((sample / 3)) kill,error,powercut || bad=1 ;;
		*) short "$s" "$sample" kill,error,powercut || bad=1 ;;
		esac
	done
	return $bad
}

races() {
	echo "--- races"
	subject update
	"$crashtest" "${options[@]}" --sample $((sample / 3)) --mode race --busy-codes 5
}

bad=0
lane revert revert-to revert-follow revert-self update-follow update-self >"$made/reverts.log" 2>&1 &
reverts=$!
lane update prepare prepared service service-boot renew || bad=1
wait $reverts || bad=1
cat "$made/reverts.log"
races || bad=1
exit "$bad"
