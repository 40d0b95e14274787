package mask

import (
	"slices"
	"strings"
	"unicode"
)

var (
	// secretParts make a name that has one of them in it a secret's.
	secretParts = []string{"password", "passwd", "passphrase", "passwort", "passcode", "passkey", "pwd", "storepass", "keypass", "requirepass", "masterauth",
		"secret", "token", "credential", "salt", "sessionid", "sessid"}
	// secretPairs do so also with a dash, a dot or an underscore in it.
	secretPairs = []string{"password", "passphrase", "privatekey", "apikey", "accesskey", "accountkey", "encryptionkey", "signingkey", "clientkey", "authkey",
		"keymaterial", "masterkey", "sharedkey", "sessionkey", "hmackey", "licensekey", "licencekey", "sharedaccesssignature", "amzsignature"}
	// secretWords do so as a word of the name.
	secretWords = []string{"pass", "passin", "passout", "pw", "psw", "psk", "cred", "creds", "jwt"}
	// secretEnds do so at the end of a word, but of those in plainWords.
	secretEnds = []string{"pass", "pw"}
	plainWords = []string{"bypass", "compass", "encompass", "surpass", "trespass", "overpass", "underpass"}
	// gateways are words before pass that make it the verb, as nginx has it.
	gateways = []string{"proxy", "fastcgi", "uwsgi", "scgi", "grpc", "memcached"}
	// headers are the fields of HTTP that hold secrets.
	headers = []string{"authorization", "auth", "cookie", "cookie2"}

	// nameKeys are keys whose value may be the name of a secret, and valueKeys those that
	// then hold it.
	nameKeys  = []string{"name", "key", "id", "property", "param", "parameter", "param-name", "variable", "var", "env", "env-entry-name", "field"}
	valueKeys = []string{"value", "val", "content", "default", "text", "data", "string", "param-value", "env-entry-value", "defaultvalue"}
)

// isName reports whether c may be part of the name of a key. Letters beyond ASCII may.
func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_-./", c) >= 0 || c >= 0x80
}

// secretName reports whether a key of this name holds a secret.
func secretName(name string) bool {
	low := fold(name)
	if harmless(low) {
		return false
	}
	squeezed := strings.Map(func(r rune) rune {
		if strings.ContainsRune("_-.", r) {
			return -1
		}
		return r
	}, low)
	for _, p := range secretParts {
		if at := strings.Index(low, p); at >= 0 && !(p == "token" && tokenizer(low)) {
			return true
		}
	}
	if containsAny(squeezed, secretPairs) {
		return true
	}
	all := words(name)
	for i, w := range all {
		if slices.Contains(secretWords, w) {
			through := i+1 < len(all) && (all[i+1] == "through" || all[i+1] == "thru")
			gateway := w == "pass" && i > 0 && slices.Contains(gateways, all[i-1])
			if !through && !gateway {
				return true
			}
			continue
		}
		for _, end := range secretEnds {
			if strings.HasSuffix(w, end) && !slices.Contains(plainWords, w) {
				return true
			}
		}
	}
	return false
}

// tokenizer reports whether all tokens of a name are those that a text is cut into.
func tokenizer(low string) bool {
	return strings.Count(low, "token") == strings.Count(low, "tokeniz")+strings.Count(low, "tokenis")
}

// headerName reports whether name is a field of HTTP that holds secrets, such as
// Proxy-Authorization or HTTP_COOKIE.
func headerName(name string) bool {
	all := words(name)
	return len(all) > 0 && slices.Contains(headers, all[len(all)-1])
}

// words cuts a name into its words, in lower case: at what is no letter or digit, and
// where a capital follows a small letter.
func words(name string) []string {
	var out []string
	var word strings.Builder
	flush := func() {
		if word.Len() > 0 {
			out = append(out, fold(word.String()))
			word.Reset()
		}
	}
	small := false
	for _, r := range name {
		switch {
		case !unicode.IsLetter(r) && !unicode.IsDigit(r):
			flush()
			small = false
			continue
		case unicode.IsUpper(r) && small:
			flush()
		}
		word.WriteRune(r)
		small = unicode.IsLower(r)
	}
	flush()
	return out
}

// fold is s in lower case; letters that only look otherwise count as those of ASCII.
func fold(s string) string { return strings.ReplaceAll(strings.ToLower(s), "ſ", "s") }

func containsAny(s string, parts []string) bool {
	return slices.ContainsFunc(parts, func(p string) bool { return strings.Contains(s, p) })
}
