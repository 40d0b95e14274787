# shellcheck shell=bash
# lib.sh - stages with timing and tools on demand; sourced by the scripts beside it.

# Exit code by which a stage says that it cannot run here.
readonly CANNOT_RUN=77

passed=() failed=() skipped=() needed=()

# run_stage NAME runs the function stage_NAME in a shell of its own, so that one
# stage's directory, options and traps end with it.
run_stage() {
	local name=$1 start=$SECONDS code=0 word
	printf '\n=== %s\n' "$name"
	# A function called in a condition runs without `set -e`; a plain subshell keeps it.
	set +e
	(
		set -euo pipefail
		"stage_$name"
	)
	code=$?
	set -e
	case $code in
	0) word=passed passed+=("$name") ;;
	"$CANNOT_RUN") word=skipped skipped+=("$name") ;;
	*) word="FAILED ($code)" failed+=("$name") ;;
	esac
	printf '=== %s: %s in %d s\n' "$name" "$word" $((SECONDS - start))
}

# summary prints the closing lines and ends the script.
summary() {
	printf '\n%d s in total\n' "$SECONDS"
	[ ${#skipped[@]} -eq 0 ] || printf 'could not run here: %s\n' "${skipped[*]}"
	[ ${#failed[@]} -eq 0 ] || printf 'failed: %s\n' "${failed[*]}"
	printf '%d passed, %d failed\n' ${#passed[@]} ${#failed[@]}
	[ ${#failed[@]} -eq 0 ] || exit 1
	exit 0
}

# need COMMAND PACKAGE notes a Debian package for a command that is missing.
need() {
	command -v "$1" >/dev/null || needed+=("$2")
}

# install_needed installs what need has noted; without the means it says so and goes
# on, since a stage that misses a tool says it again.
install_needed() {
	[ ${#needed[@]} -gt 0 ] || return 0
	local apt=(apt-get -q)
	if ! command -v apt-get >/dev/null; then
		echo "missing and not installed (no apt-get): ${needed[*]}" >&2
		return 0
	fi
	if [ "$(id -u)" != 0 ]; then
		if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
			echo "missing and not installed (not root): ${needed[*]}" >&2
			return 0
		fi
		apt=(sudo -n "${apt[@]}")
	fi
	echo "installing ${needed[*]}"
	export DEBIAN_FRONTEND=noninteractive
	{ "${apt[@]}" update && "${apt[@]}" install -y --no-install-recommends "${needed[@]}"; } >/dev/null 2>&1 ||
		echo "not installed (apt-get failed): ${needed[*]}" >&2
}

# cannot_run WHY ends a stage that has no way to run here.
cannot_run() {
	echo "cannot run here: $*"
	exit "$CANNOT_RUN"
}
