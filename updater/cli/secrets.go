package cli

import "inplace/updater/mask"

// What is shown is masked by these two, what is kept by [run.masked].
func maskText(text string) string { return mask.Text(text) }
func maskDiff(diff []byte) []byte { return mask.Diff(diff) }

// secretVariables are those of the environment whose values are secrets.
var secretVariables = []string{envPassphrase, envToken}

// envToken is the variable that a subscription's token comes in.
const envToken = "INPLACE_TOKEN"

// known are the secrets that the environment holds.
func (r *run) known() []string {
	var out []string
	for _, name := range secretVariables {
		if v, ok := r.env.LookupEnv(name); ok {
			out = append(out, v)
		}
	}
	return out
}

// masked is text without secrets, for events and logs.
func (r *run) masked(text string) string { return mask.Record(text, r.known()...) }
