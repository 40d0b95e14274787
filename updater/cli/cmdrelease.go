package cli

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/urfave/cli/v2"

	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/updater"
)

// releaseInit is `release init REPO`.
func (r *run) releaseInit(c *cli.Context) error {
	if err := r.begin(c, cmdInit); err != nil {
		return err
	}
	if err := wants(c, cmdInit, "keys", "product"); err != nil {
		return err
	}
	product, err := readInput(c.String("product"))
	if err != nil {
		return err
	}
	pass, err := r.passphrase(true)
	if err != nil {
		return err
	}
	dir := c.Args().First()
	res, err := repository.Init(repository.InitOptions{
		Dir: dir, KeysDir: c.String("keys"), Product: product, Passphrase: pass, Now: r.env.Now(),
	})
	if err != nil {
		return err
	}
	r.doc.Repository = &published{res.Fingerprint, list(res.Keys), res.PlainKeys}
	r.out.line("Repository %s, its private keys in %s", place(dir), place(c.String("keys")))
	r.out.line("Root of trust, sha256: %s", res.Fingerprint)
	r.out.wrapped(0, "Announce that number where your customers can find it, and keep a copy of the keys in a safe place: they cannot be made again.")
	r.say("Next: %s", r.shell("release", "add", dir, "TREE", "--level", "0", "--channel", "full", "--keys", c.String("keys")))
	return nil
}

// releaseAdd is `release add REPO TREE`.
func (r *run) releaseAdd(c *cli.Context) error {
	if err := r.begin(c, cmdAdd); err != nil {
		return err
	}
	opt, err := r.addOptions(c)
	if err != nil {
		return err
	}
	res, err := repository.Add(r.ctx, opt)
	r.setError(err)
	var bad *repository.RefusedError
	if errors.As(err, &bad) {
		return r.refuse(bad)
	}
	if err != nil {
		return err
	}
	if r.sayExported() {
		return nil
	}
	r.doc.Release = releasedView(res)
	r.releasedText(res)
	return nil
}

// addOptions reads the flags and the files they name.
func (r *run) addOptions(c *cli.Context) (opt repository.AddOptions, err error) {
	if err = wants(c, cmdAdd, "level", "channel", "keys"); err != nil {
		return opt, err
	}
	opt = repository.AddOptions{
		Dir: c.Args().Get(0), Tree: c.Args().Get(1), KeysDir: c.String("keys"),
		Channel: c.String("channel"), Version: c.String("version"), UpdaterMin: c.String("updater-min"), Now: r.env.Now(),
		Progress: r.reporter.bytes(updater.PhasePack), Export: r.exporter(c),
	}
	if opt.Level, _, err = levelFlag(c, "level"); err != nil {
		return opt, err
	}
	if err = checkChannel(opt.Channel); err != nil {
		return opt, err
	}
	if opt.UpdaterMin != "" {
		if err = repository.CheckVersion(opt.UpdaterMin); err != nil {
			return opt, usage("--updater-min: "+err.Error(), versionHint)
		}
	}
	if opt.Released, err = r.released(c.String("released")); err != nil {
		return opt, err
	}
	if c.IsSet("notes") {
		if opt.Notes, err = readInput(c.String("notes")); err != nil {
			return opt, err
		}
	}
	if c.IsSet("product") {
		if opt.Product, err = readInput(c.String("product")); err != nil {
			return opt, err
		}
	}
	opt.Passphrase, err = r.passphrase(false)
	return opt, err
}

// released is the date of a release: --released, else SOURCE_DATE_EPOCH, else zero.
func (r *run) released(text string) (time.Time, error) {
	if text != "" {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return t, usage(fmt.Sprintf("--released: want a time such as 2026-11-20T10:00:00Z, got %q", text), "times are RFC 3339")
		}
		return t.UTC().Truncate(time.Second), nil
	}
	epoch, _ := r.env.LookupEnv("SOURCE_DATE_EPOCH")
	if epoch == "" {
		return time.Time{}, nil
	}
	n, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil || n < 0 {
		return time.Time{}, usage(fmt.Sprintf("SOURCE_DATE_EPOCH: want seconds since 1970, got %q", epoch), "unset it or correct it")
	}
	return time.Unix(n, 0).UTC(), nil
}

// refuse lists every path that cannot be released.
func (r *run) refuse(bad *repository.RefusedError) error {
	var rows []row
	for _, f := range bad.Faults {
		rows = append(rows, row{"!", f.Path.String(), f.Reason})
	}
	verbose := r.verbose
	r.verbose = true // all at once, or the vendor mends them one by one
	r.rows("Cannot be installed everywhere", red, rows)
	r.verbose = verbose
	return &shownError{count(len(bad.Faults), "path") + " cannot be released; nothing was published", bad}
}

func (r *run) releasedText(res *repository.AddResult) {
	out := r.out
	for _, w := range res.Warnings {
		out.message(styled{yellow, "warning:"}, w)
	}
	var rows []row
	for _, p := range res.RecognisedConfig {
		rows = append(rows, row{"=", p.String(), ""})
	}
	r.rows("Taken as configuration by name and content, as product.yaml has no rules", plain, rows)
	out.gap()
	if res.AlreadyThere {
		r.say("%s %s was released as level %d of channel %s before, with the same bytes.", res.Product.Name, res.Product.Version, res.Level, res.Channel)
		return
	}
	out.line("%s, %s; new in the repository: %s, %s", count(res.Entries, "path"), size(res.Bytes), count(res.NewBlobs, "file"), size(res.BytesStored))
	what := "channel " + res.Channel
	if res.NewChannel {
		what = "the new channel " + res.Channel
	}
	r.say("Released %s %s as level %d of %s.", res.Product.Name, res.Product.Version, res.Level, what)
}

func releasedView(res *repository.AddResult) *released {
	return &released{
		Product: res.Product.Name, Version: res.Product.Version, Level: res.Level, Channel: res.Channel,
		Released: res.Released, Manifest: res.Digest, Entries: res.Entries, Bytes: res.Bytes,
		NewBlobs: res.NewBlobs, BytesStored: res.BytesStored, AlreadyThere: res.AlreadyThere, NewChannel: res.NewChannel,
		RecognisedConfig: list(res.RecognisedConfig), Warnings: list(res.Warnings),
	}
}

// wants reports the first of the flags that is not given.
func wants(c *cli.Context, command string, names ...string) error {
	for _, n := range names {
		if !c.IsSet(n) {
			return usage(command+" wants --"+n, "see "+command+" --help")
		}
	}
	return nil
}

// readInput reads a file that a flag names, of at most the size of a manifest.
func readInput(path string) ([]byte, error) {
	return readFile(path, manifest.MaxManifestBytes, "name the YAML file")
}

// readFile reads a file that the command line names; hint is for one that it cannot be.
func readFile(path string, limit int64, hint string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, usage(err.Error(), "name a file that is there and can be read")
	}
	if !info.Mode().IsRegular() || info.Size() > limit {
		return nil, usage(fmt.Sprintf("%s: want a file of at most %d bytes", path, limit), hint)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, usage(err.Error(), "name a file that is there and can be read")
	}
	return data, nil
}
