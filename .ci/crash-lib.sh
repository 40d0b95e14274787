# shellcheck shell=bash
# crash-lib.sh - what crash.sh and campaign.sh have in common: the fixtures, and for each
# subject (what is interrupted) the commands that the harness needs. Sourced after lib.sh.
#
# Subjects
#   update, revert              the fixture's change of release, there and back
#   prepare                     an update prepared and then done, as one subject
#   prepared                    what the run does that finds an update prepared; a configuration file
#                               was edited since
#   revert-to                   back over two updates at once, by copies of what snapshots keep
#   update-self, revert-self    the same, and both releases ship bin/inplace, each another build
#   update-shim, revert-shim    the same with a shell script of a few lines as bin/inplace, that
#                               execs the build: for power cuts, whose model takes minutes over
#                               megabytes
#   update-follow, revert-follow   the same, and the operator moved conf/ behind a link, to a
#                               directory beside the installation that he named under follow
#   service                     the update of a product that the run stops, starts and watches; it runs
#                               while logs/up is there
#   service-boot                the same, and the product is gone afterwards, as after a power cut: its
#                               start script asks the guard
#   renew                       the update to a release that ships no updater and asks for a newer one, of a
#                               newer schema of manifests: the old one has the new one do the run
#   recovery                    what `status` does after an update that was killed among its
#                               exchanges (what is old here is that mixed tree)
#   adopt                       the first contact with an edited installation
#   release-add                 the vendor's side: a release is added to a repository
#
# The updater's own state (updates/ but for product.yaml) is not compared: what it is good for
# is, by the commands that run afterwards. Recovery is `status`, which has to mend what it
# finds, and on the fixture without an updater of its own `guard` runs before it.

crashtest=${CRASHTEST:-../shared/tools/crashtest/crashtest}
readonly state='updates/[^p]*'

# prepare makes everything that is made once in $made, beside the harness's own scratch
# directory: two builds, the fixture's releases in three forms, and the scripts of the subjects.
prepare() {
	[ "$(uname -sm)" = "Linux x86_64" ] || cannot_run "crashtest traces Linux on amd64 only, this is $(uname -sm)"
	[ -x "$crashtest" ] || cannot_run "no $crashtest (set CRASHTEST)"
	made=$(mktemp -d)
	trap 'rm -rf "$made"' EXIT
	export CI_MADE=$made CI_DIR=$PWD/.ci
	local v f
	for v in 1.0 1.1; do
		CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X inplace/updater/quick.Version=$v" -o "$made/inplace-$v" .
		shim "$v" >"$made/shim-$v"
	done
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X inplace/updater/quick.Version=2.0 -X inplace/manifest.next=inplace/manifest/2" -o "$made/inplace-2.0" .
	for f in tree self shim; do
		mkdir "$made/$f"
		case $f in
		tree) .ci/fixture.sh trees "$made/$f" ;;
		self) .ci/fixture.sh trees "$made/$f" "$made/inplace-1.0" "$made/inplace-1.1" ;;
		shim) .ci/fixture.sh trees "$made/$f" "$made/shim-1.0" "$made/shim-1.1" ;;
		esac
	done
	mkdir "$made/small"
	cp -a "$made/tree/." "$made/small"
	rm -rf "$made/small"/{old,new}/{share,tools,webapps,lib/twin*}
	write_env
	write_setup
	write_release
	write_service
	write_either
}

shim() { # shim VERSION
	cat <<-TEXT
		#!/bin/sh
		# stands for the updater $1
		exec "\$CI_MADE/inplace-$1" "\$@" --home "\${0%/*}/.."
	TEXT
}

# What each command starts with. The signed times are those of this morning: the same for
# every run, and not expired.
write_env() {
	cat >"$made/env" <<-TEXT
		export HOME=\$CT_WORK/user TMPDIR=\$CT_WORK/tmp INPLACE_CACHE_DIR=\$CT_WORK/cache
		export INPLACE_PASSPHRASE= SOURCE_DATE_EPOCH=$(($(date +%s) / 86400 * 86400))
		inplace=\$CI_MADE/inplace-1.0
	TEXT
}

# setup.sh FIXTURE SUBJECT [follow] makes the repository, the keys and the edited installation;
# with follow in the sub-directory home, beside the directory that its conf leads to.
write_setup() {
	cat >"$made/setup.sh" <<-'TEXT'
		set -eu
		fixture=$CI_MADE/$1
		mkdir -p "$CT_WORK/user" "$CT_WORK/tmp" "$CT_WORK/cache"
		. "$CI_MADE/env"
		home=$CT_ROOT repo=$CT_WORK/repo
		if [ "$2" = release-add ]; then
			home=$CT_WORK/home
			mkdir "$CT_ROOT"
			printf 0 >"$CT_ROOT/level"
		fi
		if [ "${3-}" = follow ]; then
			home=$CT_ROOT/home
			mkdir "$CT_ROOT" "$CT_ROOT/etc"
		fi
		"$inplace" release init "$repo" --keys "$CT_WORK/keys" --product "$fixture/product.yaml"
		"$inplace" release add "$repo" "$fixture/old" --level 0 --channel full --keys "$CT_WORK/keys"
		cp -a "$fixture/old" "$home"
		if [ "$1" = small ]; then
			printf 'session.idle=60\n' >>"$home/conf/server.properties"
		else
			"$CI_DIR/fixture.sh" edit "$home"
		fi
		if [ "$2" = renew ]; then
			"$inplace" release updater "$repo" linux-amd64="$CI_MADE/inplace-2.0" --version 2.0 --keys "$CT_WORK/keys"
			"$CI_MADE/inplace-2.0" release add "$repo" "$fixture/new" --level 1 --channel full --keys "$CT_WORK/keys" --updater-min 2.0
		elif [ "$2" != release-add ]; then
			"$inplace" release add "$repo" "$fixture/new" --level 1 --channel full --keys "$CT_WORK/keys" --notes "$fixture/notes.yaml"
		fi
		if [ "${3-}" = follow ]; then
			mv "$home/conf" "$CT_ROOT/etc/the product"
			ln -s "../etc/the product" "$home/conf"
			chown "$(id -u):$(id -g)" "$CT_ROOT/etc/the product" # of another owner it is not followed
			touch -h -d '2026-01-02 03:04:05.678901234 UTC' "$home/conf" "$home"
		fi
		if [ "$2" != adopt ]; then "$inplace" adopt "$home" --source "$repo" ${3:+--follow conf}; fi
		if [ "$2" = service ]; then
			: >"$home/logs/up"
			cat >>"$home/updates/settings.yaml" <<-'END'
				service: {stop: [rm, -f, logs/up], start: [touch, logs/up], status: [test, -e, logs/up]}
				health: {watch: 1s, every: 1s, probes: [{command: [ls, logs/up]}]}
			END
		fi
		if [ "$2" = prepared ]; then
			"$home/bin/update.sh" --prepare
			printf 'session.idle=60\n' >>"$home/conf/server.properties"
		fi
		if [ "$2" = revert ]; then
			rm -rf "$CI_MADE/before" # what the revert has to bring back
			cp -a "$CT_ROOT" "$CI_MADE/before"
			"$home/bin/update.sh"
		fi
		if [ "$2" = revert-to ]; then
			rm -rf "$CI_MADE/before"
			cp -a "$home" "$CI_MADE/before"
			"$home/bin/update.sh"
			"$home/bin/update.sh" --level 0
			"$home/bin/update.sh"
			ls "$home/updates/backups" | sed -n 1p >"$CI_MADE/first"
		fi
		if [ "$2" = recovery ]; then
			strace -f -qq -o /dev/null -e trace=renameat2 -e inject=renameat2:signal=KILL:when=8 "$home/bin/update.sh" || true
			[ -e "$home/updates/OPEN" ] || { echo "strace did not kill the update among its exchanges" >&2; exit 1; }
		fi
	TEXT
}

# release.sh adds the release and then reads the repository as a client does, by client.sh:
# an installation goes to what the metadata announce, with every byte of it, and what it has
# then reached, level 0 or 1, is the tree that is compared. Contents that nothing names yet
# may lie in the repository. The client works outside the scratch directory, so that its
# calls do not count; noting the level makes five that do.
write_release() {
	cat >"$made/release.sh" <<-'TEXT'
		. "$CI_MADE/env"
		"$inplace" release add "$CT_WORK/repo" "$CI_MADE/tree/new" --level 1 --channel full --keys "$CT_WORK/keys" --notes "$CI_MADE/tree/notes.yaml"
		code=$?
		sh "$CI_MADE/client.sh" || exit
		exit $code
	TEXT
	cat >"$made/client.sh" <<-'TEXT'
		set -eu
		. "$CI_MADE/env"
		exec 9>"$CI_MADE/client.lock"
		flock 9 # of runs at once, one reads at a time
		client=$CI_MADE/client
		export HOME=$client TMPDIR=$client INPLACE_CACHE_DIR=$client/cache
		rm -rf "$client"
		mkdir "$client"
		cp -a "$CT_WORK/home" "$client/home"
		"$client/home/bin/update.sh"
		"$client/home/bin/update.sh" --dry-run
		level=$(sed -n 's/^ *"\{0,1\}level"\{0,1\}: *\([0-9]*\).*/\1/p' "$client/home/updates/installed/installed.yaml")
		if [ "$(cat "$CT_ROOT/level" 2>/dev/null)" != "$level" ]; then
			printf %s "$level" >"$CT_WORK/level"
			sync "$CT_WORK/level"
			mv "$CT_WORK/level" "$CT_ROOT/level"
			sync "$CT_ROOT"
		fi
	TEXT
}

# either.sh: status by the updater in bin/, or by the old one, whichever the number of the run says.
write_either() {
	cat >"$made/either.sh" <<-'TEXT'
		. "$CI_MADE/env"
		if [ $(($$ % 2)) = 0 ]; then exec "$inplace" status --home "$CT_ROOT"; fi
		exec "$CT_ROOT/bin/update.sh" status
	TEXT
}

# service.sh run|status|boot: the update, whose words are kept; a recovery, after which the product has
# to run, unless the update has said that it does not; and the product's start after a power cut.
write_service() {
	cat >"$made/service.sh" <<-'TEXT'
		. "$CI_MADE/env"
		up=$CT_ROOT/logs/up said=$CI_MADE/said
		case $1 in
		run)
			"$CT_ROOT/bin/update.sh" >"$said" 2>&1
			code=$?
			cat "$said"
			exit $code
			;;
		boot)
			rm -f "$up"
			"$CT_ROOT/bin/inplace" guard && touch "$up"
			;;
		status)
			"$CT_ROOT/bin/update.sh" status || exit
			[ -e "$up" ] || grep -q 'start it by hand\|start the product by hand' "$said" || { echo "the product was left standing still" >&2; exit 99; }
			;;
		esac
	TEXT
}

# subject NAME sets fixture, the command update and the array options, what the harness is
# told of it.
subject() {
	local what=${1%%-[!at]*}
	update=". $made/env; \"\$CT_ROOT/bin/update.sh\""
	fixture=tree
	local follow=""
	case $1 in
	service* | renew) fixture=small ;; # what changes is the other subjects' business
	*-self) fixture=self ;;
	*-shim) fixture=shim ;;
	*-follow) follow=follow update=". $made/env; \"\$CT_ROOT/home/bin/update.sh\"" ;;
	esac
	options=(--setup "sh $made/setup.sh $fixture $what $follow" --owner --xattr)
	case $what in
	update)
		options+=(--run "$update" --recover "$update status") ;;
	prepare)
		options+=(--run "$update --prepare && \"\$CT_ROOT/bin/update.sh\"" --again "$update" --recover "$update status") ;;
	renew) # either binary recovers: the one in bin/, and at every second point the old one
		options+=(--run "$update" --recover "sh $made/either.sh") ;;
	prepared)
		options+=(--run "$update" --recover "$update status") ;;
	service)
		options+=(--run "sh $made/service.sh run" --again "$update --no-health" --recover "sh $made/service.sh status") ;;
	revert)
		# With nothing left to undo, the revert after the revert says so with exit 1.
		options+=(--run "$update --revert" --recover "$update status" --again-codes "0,1" --new "$made/before" --mtime) ;;
	revert-to)
		options+=(--run "$update --revert --to \$(cat $made/first)" --recover "$update status" --new "$made/before") ;;
	recovery)
		options+=(--run "$update status") ;;
	adopt)
		options+=(--run ". $made/env; \"\$inplace\" adopt \"\$CT_ROOT\" --source \"\$CT_WORK/repo\"") ;;
	release-add)
		options+=(--run "sh $made/release.sh" --recover "sh $made/client.sh") ;;
	*) return 1 ;;
	esac
	case $1 in
	update | prepare | prepared | revert | revert-to) # the updater's binary is the same on both sides: save the time to read it
		options+=(--guard ". $made/env; \"\$CT_ROOT/bin/inplace\" guard" --ignore "$state,bin/inplace") ;;
	*-follow)
		options+=(--guard ". $made/env; \"\$CT_ROOT/home/bin/inplace\" guard" --ignore "home/$state,home/bin/inplace,etc/*/.inplace") ;;
	service-boot) options+=(--guard "sh $made/service.sh boot" --ignore "$state,bin/inplace,logs/up") ;;
	service) options+=(--ignore "$state,bin/inplace,logs/up") ;;
	release-add) ;;
	*) options+=(--ignore "$state") ;;
	esac
}
