package mask

import (
	"regexp"
	"slices"
	"strings"
	"sync"
)

// commandFlags are flags of well-known programs that take a secret and have no name that
// says so: -pX where attached, -p X where apart. With beside, only where that word is given
// too.
type commandFlags struct {
	programs []string // how their names begin
	flags    []string
	attached bool
	apart    bool
	beside   string
}

var commandList = []commandFlags{
	{programs: []string{"mysql", "mariadb", "7z"}, flags: []string{"-p"}, attached: true},
	{programs: []string{"sshpass", "mongo"}, flags: []string{"-p"}, attached: true, apart: true},
	{programs: []string{"docker", "podman", "helm", "az", "oc"}, flags: []string{"-p"}, apart: true, beside: "login"},
	{programs: []string{"curl"}, flags: []string{"-u", "-U"}, attached: true, apart: true},
	{programs: []string{"curl"}, flags: []string{"--user", "--proxy-user"}, apart: true},
	{programs: []string{"ldap"}, flags: []string{"-w"}, attached: true, apart: true},
	{programs: []string{"redis-cli"}, flags: []string{"-a"}, apart: true},
	{programs: []string{"zip", "unzip", "sqlcmd", "bcp"}, flags: []string{"-P"}, attached: true, apart: true},
	{programs: []string{"smbclient", "rpcclient"}, flags: []string{"-U"}, attached: true, apart: true},
}

// oracleClients take user/password@database as a word of its own.
var oracleClients = []string{"sqlplus", "sqlldr", "expdp", "impdp", "rman"}

// commandSigns are of the programs what [signs] wants.
var commandSigns = func() []string {
	out := slices.Clone(oracleClients)
	for _, c := range commandList {
		for _, p := range c.programs {
			if len(p) > 2 { // az and oc are in too many words: login is
				out = append(out, p)
			}
		}
	}
	return append(out, "login")
}()

// maxArgs is how many words behind a program are looked at.
const maxArgs = 200

// commandSecrets finds the words of a command line that hold secrets, and how many of
// their first bytes are none.
func commandSecrets(words []string) map[int]int {
	out := map[int]int{}
	for at, w := range words {
		name := strings.TrimSuffix(w[strings.LastIndexAny(w, `/\`)+1:], ".exe")
		args := words[at+1 : min(len(words), at+1+maxArgs)]
		if end := slices.IndexFunc(args, func(a string) bool { return strings.ContainsAny(a, "|;&") && strings.Trim(a, "|;&") == "" }); end >= 0 {
			args = args[:end]
		}
		if slices.Contains(oracleClients, name) {
			for i, a := range args {
				if user, rest, _ := strings.Cut(a, "/"); user != "" && rest != "" && strings.IndexByte(rest, '@') != 0 && user[0] != '@' && user[0] != '-' {
					out[at+1+i] = 0
				}
			}
		}
		for _, c := range commandList {
			if slices.ContainsFunc(c.programs, func(p string) bool { return len(p) > 2 && strings.HasPrefix(name, p) || name == p }) &&
				(c.beside == "" || slices.Contains(args, c.beside)) {
				c.find(args, at+1, out)
			}
		}
	}
	return out
}

// find adds the secrets among args, of which the first is word number at.
func (c *commandFlags) find(args []string, at int, out map[int]int) {
	for i, a := range args {
		for _, flag := range c.flags {
			switch {
			case a == flag && c.apart && i+1 < len(args):
				out[at+i+1] = 0
			case len(a) > len(flag) && strings.HasPrefix(a, flag) && (c.attached || a[len(flag)] == '='):
				out[at+i] = len(flag)
			}
		}
	}
}

// shellWord is a word of a command line, a quoted piece, or an item of a list.
var shellWord = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`"(?:[^"\\]|\\.)*"|'[^']*'|(?:[^\s"',\[\]]|"[^"]*"|'[^']*')+`)
})

// commands hides the secrets of the commands in a line, and in the quoted pieces of it.
func (f *finder) commands(l span) {
	line := f.text[l.from:l.to]
	if low := lower(line); !containsAny(low, commandSigns) {
		return
	}
	var list []string
	var at []span
	for _, m := range shellWord().FindAllStringIndex(line, -1) {
		w := span{l.from + m[0], l.from + m[1]}
		if c := f.text[w.from]; w.to-w.from >= 2 && (c == '"' || c == '\'') {
			w.from, w.to = w.from+1, w.to-1
			if strings.ContainsAny(f.text[w.from:w.to], " \t") && w.to-w.from < l.to-l.from {
				f.commands(w)
			}
		}
		list, at = append(list, f.text[w.from:w.to]), append(at, w)
	}
	for i, keep := range commandSecrets(list) {
		f.hide(at[i].from+keep, at[i].to)
	}
}
