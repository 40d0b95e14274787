#!/bin/sh
# Starts the updater of this installation: the binary beside this script.
# --dry-run shows what an update would do, --revert takes the newest one back, and
# --help explains the rest. Works from any directory, by a link, and with nothing set
# in the environment.

unset -v CDPATH
IFS=' 	
'
case $0 in
/*) self=$0 ;;
*) self=./$0 ;; # never an option, never looked up in PATH
esac

# A link to this script: follow it, at most 40 times. The x keeps line ends in names.
steps=0
while [ -h "$self" ] && [ "$steps" -lt 40 ]; do
	target=$({ command -p readlink "$self" || readlink "$self"; } 2>/dev/null && echo x) || break
	target=${target%?x}
	case $target in
	/*) self=$target ;;
	*) self=${self%/*}/$target ;;
	esac
	steps=$((steps + 1))
done
bin=${self%/*}

if [ -f "$bin/inplace" ]; then
	exec "$bin/inplace" --launched-as "$0" "$@"
fi

# Several systems share this tree: the binary for this one.
os=$(command -p uname -s)
arch=$(command -p uname -m)
case $os in
Linux) os=linux ;;
Darwin) os=darwin ;;
FreeBSD) os=freebsd ;;
esac
case $arch in
x86_64 | amd64) arch=amd64 ;;
aarch64 | arm64) arch=arm64 ;;
i?86) arch=386 ;;
armv*) arch=arm ;;
esac
if [ -f "$bin/inplace-$os-$arch" ]; then
	exec "$bin/inplace-$os-$arch" --launched-as "$0" "$@"
fi

printf '%s\n' "error: $bin/inplace: no such file, and no inplace-$os-$arch either" >&2
printf '%s\n' "hint: put the updater's binary there; the installation was not changed" >&2
exit 1
