package cli

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/term"
)

// envPassphrase names the variable that holds the passphrase of a vendor's keys.
const envPassphrase = "INPLACE_PASSPHRASE"

// passphrase is that of the vendor's keys: from the environment, where empty means
// plain keys, else asked for on a terminal, twice where keys are made. Without
// either the error is a *usageError.
func (r *run) passphrase(making bool) ([]byte, error) {
	if value, set := r.env.LookupEnv(envPassphrase); set {
		if value == "" && making && !r.quiet {
			r.reporter.say("warning: %s is empty: the keys are stored unencrypted", envPassphrase)
		}
		return []byte(value), nil
	}
	in, ok := r.env.Stdin.(*os.File)
	if !ok || !isTerminal(in) || !isTerminal(r.env.Stderr) {
		return nil, usage("the keys want a passphrase, and there is no terminal to ask for it",
			"set "+envPassphrase+"; empty means plain keys")
	}
	first, err := r.ask(in, "Passphrase of the keys: ")
	if err != nil {
		return nil, err
	}
	if len(first) == 0 {
		return nil, usage("the passphrase is empty", "for plain keys set "+envPassphrase+" to nothing")
	}
	if making {
		again, err := r.ask(in, "The same again: ")
		if err != nil {
			return nil, err
		}
		if string(first) != string(again) {
			return nil, usage("the two passphrases differ", "start again")
		}
	}
	return first, nil
}

// ask reads a line without showing it.
func (r *run) ask(in *os.File, question string) ([]byte, error) {
	state, err := term.GetState(int(in.Fd()))
	if err != nil {
		return nil, err
	}
	fmt.Fprint(r.env.Stderr, question)
	defer fmt.Fprintln(r.env.Stderr)
	text, err := await(r.ctx, func() ([]byte, error) { return term.ReadPassword(int(in.Fd())) })
	if r.ctx.Err() != nil { // the terminal must echo again
		err = errors.Join(err, term.Restore(int(in.Fd()), state))
	}
	return text, err
}
