package cli

import (
	"fmt"
	"os"

	"github.com/urfave/cli/v2"

	"inplace/manifest/repository"
)

// exportFlag is that of every command that signs more than snapshot and timestamp.
func exportFlag() cli.Flag {
	return textFlag("export", "FILE", "publish nothing: write what is to be signed with keys that are elsewhere, for release sign")
}

// exporter writes what is to be signed into the file that --export names; nil without it.
func (r *run) exporter(c *cli.Context) func([]byte) error {
	file := c.String("export")
	if file == "" {
		return nil
	}
	return func(data []byte) error {
		what, err := repository.ShowRequest(data)
		if err != nil {
			return err
		}
		r.exported, r.doc.Signing = file, what
		return writePrivate(file, data)
	}
}

// sayExported says what was exported. It is false where nothing was.
func (r *run) sayExported() bool {
	if r.exported == "" {
		return false
	}
	r.signingText(r.doc.Signing)
	r.say("Nothing is published. Next, where the keys are: %s", r.shell("release", "sign", r.exported, "--keys", "KEYS"))
	return true
}

// signingText shows what is signed.
func (r *run) signingText(what *repository.Signing) {
	for _, role := range what.Roles {
		state := "signed in full"
		if role.Missing > 0 {
			state = "wants " + count(role.Missing, "more signature")
		}
		r.out.line("%s: version %d, valid until %s; %s", role.Role, role.Version, when(role.Until), state)
		for _, change := range role.Changes {
			r.out.line("  %s", change)
		}
	}
}

// releaseSign is `release sign`.
func (r *run) releaseSign(c *cli.Context) error {
	if err := r.begin(c, cmdSign); err != nil {
		return err
	}
	if c.IsSet("import") {
		opt, err := r.editing(c, cmdSign, false)
		if err != nil {
			return err
		}
		data, err := readRequest(c.String("import"))
		if err != nil {
			return err
		}
		if r.doc.Signing, err = repository.ImportSigned(opt, data); err != nil {
			return err
		}
		r.signingText(r.doc.Signing)
		r.say("Published.")
		return nil
	}
	file := c.Args().First()
	data, err := readRequest(file)
	if err != nil {
		return err
	}
	if !c.IsSet("keys") {
		if r.doc.Signing, err = repository.ShowRequest(data); err != nil {
			return err
		}
		r.signingText(r.doc.Signing)
		return nil
	}
	pass, err := r.passphrase(false)
	if err != nil {
		return err
	}
	data, what, err := repository.SignRequest(data, c.String("keys"), pass)
	if err != nil {
		return err
	}
	if err := writePrivate(file, data); err != nil {
		return err
	}
	r.doc.Signing = what
	r.signingText(what)
	switch {
	case what.Missing > 0 && what.Added == 0:
		r.say("No key there adds a signature that is wanted: %d missing.", what.Missing)
	case what.Missing > 0:
		r.say("Signed. Take the file on to the other keys: %d missing.", what.Missing)
	default:
		r.say("Signed in full. Next, where the repository is: %s", r.shell("release", "sign", "REPO", "--import", file, "--keys", "KEYS"))
	}
	return nil
}

// readRequest reads what --export has written.
func readRequest(file string) ([]byte, error) {
	info, err := os.Stat(file)
	if err != nil || !info.Mode().IsRegular() || info.Size() > repository.MaxSigningBytes {
		return nil, usage(fmt.Sprintf("%s: want a file that --export has written", place(file)), "a repository goes with --import FILE")
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, usage(err.Error(), "name a file that can be read")
	}
	return data, nil
}

func signCommand(r *run) *cli.Command {
	return &cli.Command{Name: "sign", Usage: "sign what --export has written; with --import publish it", ArgsUsage: "FILE|REPO", Action: r.releaseSign, Flags: flags(
		textFlag("keys", "DIR", "directory of the private keys; without it FILE is shown only"),
		textFlag("import", "FILE", "publish FILE in the repository REPO, with the keys of snapshot and timestamp"),
	)}
}
