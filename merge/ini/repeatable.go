package ini

import "strings"

// repeatable tells whether a key is known to stand several times in its place, each time
// as a setting of its own, in programs that many products are made of. Any other key
// that stands twice cannot be told apart from its twin.
func repeatable(key string) bool {
	switch strings.ToLower(key) {
	case "include", "includeoptional", "include_dir", "includedir", "loadmodule", "load_module",
		// Redis, Valkey
		"save", "rename-command", "client-output-buffer-limit", "user",
		// OpenSSH, OpenVPN, NTP, syslog, proxies
		"hostkey", "listenaddress", "acceptenv", "setenv", "push", "route", "server", "pool", "restrict",
		"acl", "http_access", "listen", "bind",
		// PHP, MySQL, git, systemd
		"extension", "zend_extension", "plugin-load-add", "plugin_load_add",
		"replicate-do-db", "replicate-ignore-db", "binlog-do-db", "binlog-ignore-db",
		"fetch", "insteadof", "environment", "environmentfile", "execstartpre", "execstartpost",
		"execstoppost", "after", "before", "wants", "requires", "wantedby", "alias", "documentation":
		return true
	}
	return false
}
