package cli

import "inplace/updater/mask"

// maskText masks a text that is shown; what is kept is masked by [run.masked].
func (r *run) maskText(text string) string { return mask.Text(text, r.known()...) }

// maskDiff masks the difference from old to new.
func (r *run) maskDiff(diff, old, new []byte) []byte { return mask.Diff(diff, old, new, r.known()...) }

// maskParts masks parts of a text.
func (r *run) maskParts(whole []byte) *mask.Whole { return mask.Of(whole, r.known()...) }

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
