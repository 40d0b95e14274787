#!/bin/sh
# Starts the server; not in the middle of an update.
here=$(cd "$(dirname "$0")/.." && pwd) || exit 1
"$here/bin/update.sh" guard || exit 1
exec java -cp "$here/lib/*" com.acme.Server "$here/conf/server.xml"
