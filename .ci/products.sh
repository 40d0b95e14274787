# shellcheck shell=bash
# products.sh - what the walk has to know of each product; sourced by walk.sh.
#
# For PRODUCT there are:
#
#   shape_PRODUCT SRC TREE    copies the packages' files at SRC into TREE as a product
#                             that stands by itself: bin, lib, conf, webapps or share
#   vendor_PRODUCT TREE       changes of configuration for the newer release. Distributors
#                             keep theirs stable, so without these there would be little
#                             to merge; they are the kind that real releases bring
#   operator_PRODUCT HOME     the edits of somebody who runs the product, and what hardening
#                             guides tell him to delete. None of them touches a line that
#                             vendor_PRODUCT changes
#   clash_PRODUCT HOME        one that does; it has to become a conflict
#   config_PRODUCT            the globs of configuration, for product.yaml
#
# The functions are deterministic. change fails when an expression finds nothing to
# change, so that a newer package does not turn the walk into a stroll.

change() { # change FILE SED-EXPRESSION
	local before
	before=$(cksum <"$1")
	sed -i "$2" "$1"
	[ "$before" != "$(cksum <"$1")" ] || fail "$1: nothing to change with $2"
}

# settle_tree TREE gives a shaped tree links that stay inside, and modes and a
# description that a release may have.
settle_tree() { # settle_tree TREE PRODUCT VERSION
	.ci/trees.py relink "$1"
	find "$1" ! -type l -exec chmod u+rw,go-w,a-st {} +
	mkdir -p "$1/updates"
	{
		echo "schema: inplace/product/1"
		echo "name: $2"
		echo "version: \"$3\""
		printf 'config: ['
		"config_$2" | sed 's/.*/"&"/' | paste -sd, | tr -d '\n'
		printf ']\nignore: ["logs/**", "temp/**", "work/**"]\n'
	} >"$1/updates/product.yaml"
}

# --- Apache Tomcat, from Debian's tomcat10 packages ---

config_tomcat() { printf '%s\n' 'conf/**' 'webapps/*/WEB-INF/*.xml' 'webapps/*/META-INF/context.xml'; }

shape_tomcat() {
	local share=$1/usr/share tree=$2
	mkdir -p "$tree/webapps" "$tree/logs" "$tree/temp" "$tree/work"
	cp -a "$share/tomcat10/bin" "$tree/bin"
	cp -a "$share/tomcat10/lib" "$tree/lib"
	cp -a "$share/java/." "$tree/lib"
	cp -a "$share/tomcat10/etc" "$tree/conf"
	cp -a "$1/etc/tomcat10/." "$tree/conf"
	cp -a "$share/tomcat10-root/default_root" "$tree/webapps/ROOT"
	cp -a "$share/tomcat10-admin/." "$tree/webapps"
	cp -a "$share/tomcat10-docs/docs" "$tree/webapps/docs"
	cp -a "$share/tomcat10-examples/examples" "$tree/webapps/examples"
}

vendor_tomcat() {
	local conf=$1/conf
	change "$conf/server.xml" 's/org.apache.catalina.core.AprLifecycleListener/org.apache.catalina.core.OpenSSLLifecycleListener/'
	change "$conf/server.xml" 's/prefix="localhost_access_log" suffix=".txt"/prefix="localhost_access_log" suffix=".log"/'
	change "$conf/logging.properties" 's/\(localhost.org.apache.juli.AsyncFileHandler.maxDays\) = 90/\1 = 30/'
	change "$conf/web.xml" 's/<session-timeout>30</<session-timeout>20</'
	change "$conf/catalina.properties" 's/^tomcat-util-scan.jar,\\$/&\ntomcat-websocket.jar,\\/'
	rm "$conf/jaspic-providers.xml"
	printf '# Rules of the rewrite valve, none by default\n' >"$conf/rewrite.config"
	chmod 0755 "$1/bin/catalina-tasks.xml"
}

operator_tomcat() {
	local conf=$1/conf
	change "$conf/server.xml" 's/<Server port="-1" shutdown="SHUTDOWN">/<Server port="8005" shutdown="bye-0815">/'
	change "$conf/server.xml" '0,/<Connector port="8080"/s//<Connector port="9080"/'
	change "$conf/server.xml" 's|^    <!-- Define an AJP 1.3 Connector.*|    <Connector port="9443" protocol="HTTP/1.1" SSLEnabled="true"\n               maxThreads="300" />\n&|'
	change "$conf/logging.properties" 's/^\(1catalina.*Handler.level\) = FINE/\1 = WARNING/'
	printf '\n# ours\norg.acme.level = FINE\n' >>"$conf/logging.properties"
	change "$conf/web.xml" 's|^        <welcome-file>index.html</welcome-file>|&\n        <welcome-file>start.html</welcome-file>|'
	change "$conf/tomcat-users.xml" 's|^</tomcat-users>|  <role rolename="manager-gui"/>\n  <user username="ops" password="0815" roles="manager-gui"/>\n&|'
	change "$conf/context.xml" 's|^<Context>|<Context sessionCookieName="ACME">|'
	chmod 0600 "$conf/tomcat-users.xml"
	chmod 0640 "$conf/server.xml"
	rm -r "$1/webapps/examples" "$1/webapps/docs"
	rm "$conf/Catalina/localhost/examples.xml" "$conf/Catalina/localhost/docs.xml"
	mkdir -p "$1/webapps/acme/WEB-INF" "$conf/tls"
	printf '<web-app/>\n' >"$1/webapps/acme/WEB-INF/web.xml"
	printf 'secret\n' >"$conf/tls/key.pem"
	printf 'started\n' >"$1/logs/catalina.out"
	cp -p "$conf/server.xml" "$conf/server.xml.bak"
	ln -s ../conf/tls "$1/webapps/tls"
}

clash_tomcat() {
	change "$1/conf/web.xml" 's/<session-timeout>[0-9]*</<session-timeout>480</'
	echo conf/web.xml
}

# --- Allure command line, from npm ---

config_allure() { printf '%s\n' 'config/**'; }

shape_allure() {
	cp -a "$1/dist" "$2"
	cp -a "$1/LICENSE" "$1/package.json" "$2"
}

vendor_allure() {
	change "$1/config/allure.yml" 's/^  - xctest-plugin$/&\n  - custom-logo-plugin/'
	change "$1/config/allure-junit.yml" 's/^  - junit-plugin$/  - junit-xml-plugin/'
}

operator_allure() {
	change "$1/config/allure.yml" 's/^  - junit-xml-plugin$/&   # CI/'
	change "$1/config/allure.yml" '/^  - xray-plugin$/d'
	rm -r "$1/plugins/xray-plugin"
	printf 'plugins: []\n' >"$1/config/allure-acme.yml"
}

clash_allure() {
	change "$1/config/allure-junit.yml" 's/^  - junit-.*$/  - trx-plugin/'
	echo config/allure-junit.yml
}

# --- PostgreSQL, from Debian's packages ---

config_postgres() { printf '%s\n' 'conf/**'; }

shape_postgres() {
	local tree=$2 name
	mkdir -p "$tree/conf"
	cp -a "$1/usr/lib/postgresql/15/." "$tree"
	cp -a "$1/usr/share/postgresql/15" "$tree/share"
	for name in postgresql.conf pg_hba.conf pg_ident.conf pg_service.conf; do
		mv "$tree/share/$name.sample" "$tree/conf/$name"
	done
}

# Its configuration does change between the releases; one more place, to clash with.
vendor_postgres() { change "$1/conf/postgresql.conf" 's/^#wal_level = replica/wal_level = replica/'; }

operator_postgres() {
	change "$1/conf/postgresql.conf" "s/^#listen_addresses = 'localhost'/listen_addresses = '*'/"
	change "$1/conf/postgresql.conf" 's/^#port = 5432/port = 6432/'
	change "$1/conf/postgresql.conf" 's/^#shared_buffers = 128MB/shared_buffers = 4GB/'
	change "$1/conf/postgresql.conf" 's/^#log_min_duration_statement = -1/log_min_duration_statement = 250/'
	printf 'host all all 10.0.0.0/8 scram-sha-256\n' >>"$1/conf/pg_hba.conf"
	chmod 0600 "$1/conf/pg_hba.conf"
	rm -r "$1/share/man"
}

clash_postgres() {
	change "$1/conf/postgresql.conf" 's/^#*wal_level = replica/wal_level = logical/'
	echo conf/postgresql.conf
}
