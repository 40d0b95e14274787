package credentials

import "strings"

// netrc finds the login for host in text, the contents of a .netrc file: words parted by
// blanks, `machine NAME` or `default`, then `login` and `password`. Macros are passed over
// up to the next empty line. As everywhere, the first entry that fits counts.
func netrc(text, host string) (user, password string, ok bool) {
	var words []string
	inMacro := false
	for line := range strings.Lines(text) {
		fields := strings.Fields(line)
		switch {
		case inMacro:
			inMacro = len(fields) > 0
			continue
		case len(fields) > 0 && fields[0] == "macdef":
			inMacro = true
			continue
		case len(fields) > 0 && strings.HasPrefix(fields[0], "#"):
			continue
		}
		words = append(words, fields...)
	}
	fits := false
	for i := 0; i < len(words); i++ {
		value := ""
		if i+1 < len(words) {
			value = words[i+1]
		}
		switch words[i] {
		case "machine", "default":
			if fits {
				return user, password, true
			}
			fits = words[i] == "default"
			if !fits {
				fits = strings.EqualFold(value, host)
				i++
			}
			continue
		case "login":
			if fits {
				user = value
			}
		case "password":
			if fits {
				password = value
			}
		case "account":
		default:
			continue
		}
		i++
	}
	return user, password, fits
}
