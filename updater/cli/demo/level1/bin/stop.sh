#!/bin/sh
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
kill "$(cat "$here/logs/server.pid")"
