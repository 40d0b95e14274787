#!/usr/bin/env bash
# crash.sh - the short crash campaign: updates and reverts are killed, get failing system
# calls and lose power, and the installation has to be the old or the new one afterwards.
#
# Usage: .ci/crash.sh [CAMPAIGN...]
#
#   update, revert            the fixture's change of release, there and back
#   update-self, revert-self  the same with another updater binary in the new release; no
#                             power cuts here, whose model takes minutes over megabytes
#
# SAMPLE (default 60) is about how many points each mode takes; 0 takes all. The harness
# is ../shared/tools/crashtest, or CRASHTEST; its README explains the modes.
#
# The first two run with `inplace guard` before recovery, as a product's start script
# would: guard itself mends what it finds. The other two go without, so that `status`
# has to. Failing calls come twice: as single failures, after which the run must have
# rolled back by itself, and as lasting ones, which recovery may have to mend.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
# shellcheck source-path=SCRIPTDIR source=lib.sh
. .ci/lib.sh

crashtest=${CRASHTEST:-../shared/tools/crashtest/crashtest}
sample=${SAMPLE:-60}
repo=$PWD

[ "$(uname -sm)" = "Linux x86_64" ] || cannot_run "crashtest traces Linux on amd64 only, this is $(uname -sm)"
[ -x "$crashtest" ] || cannot_run "no $crashtest (set CRASHTEST)"

# Everything that is made once lies in $made, beside the harness's own scratch directory.
made=$(mktemp -d)
trap 'rm -rf "$made"' EXIT
export CI_MADE=$made CI_DIR=$repo/.ci

build() { # build VERSION
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$1" -o "$made/inplace-$1" .
}

# What each command of the campaign starts with. The signed times are those of this
# morning: the same for every run of the campaign, and not expired.
export_env() {
	cat >"$made/env" <<-TEXT
		export HOME=\$CT_WORK/user TMPDIR=\$CT_WORK/tmp INPLACE_CACHE_DIR=\$CT_WORK/cache
		export INPLACE_PASSPHRASE= SOURCE_DATE_EPOCH=$(($(date +%s) / 86400 * 86400))
	TEXT
}

# setup.sh NAME makes the repository, the keys and the edited, adopted installation.
export_setup() {
	cat >"$made/setup.sh" <<-'TEXT'
		set -eu
		fixture=$CI_MADE/$1
		mkdir -p "$CT_WORK/user" "$CT_WORK/tmp" "$CT_WORK/cache"
		. "$CI_MADE/env"
		inplace=$CI_MADE/inplace-1.0
		"$inplace" release init "$CT_WORK/repo" --keys "$CT_WORK/keys" --product "$fixture/product.yaml"
		"$inplace" release add "$CT_WORK/repo" "$fixture/old" --level 0 --channel full --keys "$CT_WORK/keys"
		"$inplace" release add "$CT_WORK/repo" "$fixture/new" --level 1 --channel full --keys "$CT_WORK/keys" --notes "$fixture/notes.yaml"
		cp -a "$fixture/old" "$CT_ROOT"
		"$CI_DIR/fixture.sh" edit "$CT_ROOT"
		"$inplace" adopt "$CT_ROOT" --source "$CT_WORK/repo"
		if [ "$2" = revert ]; then
			rm -rf "$CI_MADE/before" # what the revert has to bring back
			cp -a "$CT_ROOT" "$CI_MADE/before"
			"$CT_ROOT/bin/update.sh"
		fi
	TEXT
}

# What is not compared: of updates/ only product.yaml belongs to the product.
readonly state='updates/[^p]*'

campaign() { # campaign FIXTURE update|revert SAMPLE
	local update=". $made/env; \"\$CT_ROOT/bin/update.sh\""
	local options=(--setup "sh $made/setup.sh $1 $2" --sample "$3" --owner --xattr
		--recover "$update status")
	if [ "$2" = update ]; then
		options+=(--run "$update")
	else
		# With nothing left to undo, the revert after the revert says so with exit 1.
		options+=(--run "$update --revert" --again-codes "0,1" --new "$made/before" --mtime)
	fi
	local modes=kill,error
	if [ "$1" = tree ]; then # the updater's binary is the same on both sides: save the time to read it
		options+=(--guard ". $made/env; \"\$CT_ROOT/bin/inplace\" guard" --ignore "$state,bin/inplace")
		modes+=,powercut
	else
		options+=(--ignore "$state")
	fi
	local code=0
	"$crashtest" "${options[@]}" --mode "$modes" --sticky=false || code=1
	"$crashtest" "${options[@]}" --mode error --lenient || code=1
	return $code
}

build 1.0
build 1.1
mkdir "$made/tree" "$made/self"
.ci/fixture.sh trees "$made/tree"
.ci/fixture.sh trees "$made/self" "$made/inplace-1.0" "$made/inplace-1.1"
export_env
export_setup

campaigns=("$@")
[ ${#campaigns[@]} -gt 0 ] || campaigns=(update revert update-self revert-self)
bad=0
for c in "${campaigns[@]}"; do
	echo "--- $c"
	case $c in
	update | revert) campaign tree "$c" "$sample" || bad=1 ;;
	update-self | revert-self) campaign self "${c%-self}" $((sample / 5)) || bad=1 ;;
	*) echo "unknown campaign $c" >&2; exit 2 ;;
	esac
done
exit "$bad"
