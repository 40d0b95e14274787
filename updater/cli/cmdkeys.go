package cli

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"inplace/manifest/repository"
)

// keysCommand is `release keys`.
func keysCommand(r *run) *cli.Command {
	change := func(name, args, text string, action cli.ActionFunc, own ...cli.Flag) *cli.Command {
		return &cli.Command{Name: name, Usage: text, ArgsUsage: args, Action: action, Flags: flags(append(own,
			textFlag("keys", "DIR", "directory of the private keys; new ones are made there"), exportFlag())...)}
	}
	threshold := func() cli.Flag { return textFlag("threshold", "N", "how many keys must sign (default: as before)") }
	return &cli.Command{Name: "keys", Usage: "who may sign: list, add, replace and revoke keys", Subcommands: []*cli.Command{
		{Name: "list", Usage: "list the roles, their keys and thresholds", ArgsUsage: "REPO", Action: r.keysList, Flags: flags(
			textFlag("keys", "DIR", "say also which private keys lie there"))},
		change("add", "REPO ROLE", "make a further key for a role", func(c *cli.Context) error {
			return r.keysChange(c, cmdKeysAdd, repository.KeysOptions{Add: true})
		}, threshold()),
		change("rotate", "REPO ROLE,... [KEYID]", "put new keys in the place of all keys of roles, or of one", func(c *cli.Context) error {
			return r.keysChange(c, cmdKeysRotate, repository.KeysOptions{Rotate: true, Revoke: c.Args().Slice()[2:]})
		}, threshold()),
		change("revoke", "REPO ROLE KEYID", "let a key of a role count no more", func(c *cli.Context) error {
			return r.keysChange(c, cmdKeysRevoke, repository.KeysOptions{Revoke: c.Args().Slice()[2:]})
		}, threshold()),
		change("threshold", "REPO ROLE N", "say how many keys of a role must sign", func(c *cli.Context) error {
			return r.keysChange(c, cmdKeysThreshold, repository.KeysOptions{})
		}),
	}}
}

// keysChange is what add, rotate, revoke and threshold have in common.
func (r *run) keysChange(c *cli.Context, command string, opt repository.KeysOptions) (err error) {
	if err = r.begin(c, command); err != nil {
		return err
	}
	opt.Roles = strings.Split(c.Args().Get(1), ",")
	if len(opt.Roles) > 1 && (command != cmdKeysRotate || len(opt.Revoke) > 0) {
		return usage(fmt.Sprintf("want one role, got %s", c.Args().Get(1)), "see "+command+" --help")
	}
	number := c.String("threshold")
	if command == cmdKeysThreshold {
		number = c.Args().Get(2)
	}
	if number != "" {
		if opt.Threshold, err = strconv.Atoi(number); err != nil || opt.Threshold < 1 || opt.Threshold > 100 {
			return usage(fmt.Sprintf("threshold: want a number from 1 to 100, got %q", number), "it is how many keys must sign")
		}
	}
	making := opt.Add || opt.Rotate
	if opt.EditOptions, err = r.editing(c, command, making); err != nil {
		return err
	}
	res, err := repository.ChangeKeys(opt)
	if err != nil {
		return err
	}
	r.doc.KeysChanged = res
	if res.AlreadyThere {
		r.say("It is so already: nothing was changed.")
		return nil
	}
	for _, role := range res.Roles {
		for _, file := range role.Added {
			r.out.line("New key of %s: %s", role.Role, place(c.String("keys")+"/"+file))
		}
		for _, id := range role.Revoked {
			if r.exported != "" {
				break // not yet
			}
			r.out.line("Revoked, and of no use any more: key %.12s of %s", id, role.Role)
		}
	}
	if making {
		r.out.wrapped(0, "Keep a copy of each new key in a safe place: it cannot be made again.")
	}
	if r.sayExported() {
		return nil
	}
	for _, role := range res.Roles {
		if role.Role == repository.SubscriptionKey {
			r.out.wrapped(0, "Every token issued so far is refused from now on: give each customer a new one with subscription extend.")
		}
		r.say("%s has %s, of which %d must sign.", role.Role, count(len(role.Keys), "key"), role.Threshold)
	}
	return nil
}

// keysList is `release keys list REPO`.
func (r *run) keysList(c *cli.Context) error {
	if err := r.begin(c, cmdKeysList); err != nil {
		return err
	}
	opt := repository.EditOptions{Dir: c.Args().First(), KeysDir: c.String("keys"), Now: r.env.Now()}
	if opt.KeysDir != "" {
		var err error
		if opt.Passphrase, err = r.passphrase(false); err != nil {
			return err
		}
	}
	res, err := repository.ListKeys(opt)
	if err != nil {
		return err
	}
	r.doc.Keys = res
	for _, role := range res.Roles {
		r.out.line("%s: %d of %s must sign; version %d, valid until %s", role.Role, role.Threshold, count(len(role.Keys), "key"), role.Version, when(role.Until))
		for _, k := range role.Keys {
			where := k.File
			if where == "" && opt.KeysDir != "" {
				where = "not there"
			}
			r.out.line("  %.12s  %s", k.ID, where)
		}
	}
	for _, name := range res.Unused {
		r.out.line("Of no use, or not yet: %s", place(opt.KeysDir+"/"+name))
	}
	return nil
}
