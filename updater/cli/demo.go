package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"
)

// demo is `demo`: the whole story of a small product in a temporary directory, each
// step as it would be typed, with its output; at the end the tree that was reverted
// is compared with what was there before the update.
func (r *run) demo(c *cli.Context) (err error) {
	if err := r.begin(c, cmdDemo); err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "inplace-demo-")
	if err != nil {
		return err
	}
	d := &demonstration{run: r, dir: dir, home: filepath.Join(dir, "acme")}
	if !c.Bool("leave") {
		defer func() {
			if e := os.RemoveAll(dir); err == nil {
				err = e
			}
		}()
	}
	if err := d.play(); err != nil {
		return err
	}
	if c.Bool("leave") {
		r.say("Everything is still in %s.", dir)
	}
	return nil
}

// demonstration is one run of the demo.
type demonstration struct {
	*run
	dir  string // holds everything
	home string // the installation
	step int
}

func (d *demonstration) play() error {
	for _, scene := range []func() error{d.publish, d.install, d.edit} {
		if err := scene(); err != nil {
			return err
		}
	}
	before, err := treeDigests(d.home)
	if err != nil {
		return err
	}
	if err := d.look(before); err != nil {
		return err
	}
	if err := d.goForward(); err != nil {
		return err
	}
	return d.goBack(before)
}

// publish is the vendor's part.
func (d *demonstration) publish() error {
	for _, tree := range []string{"level0", "level1"} {
		if err := writeDemo(tree, filepath.Join(d.dir, tree)); err != nil {
			return err
		}
	}
	notes, err := demoFiles.ReadFile("demo/notes.yaml")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.dir, "notes.yaml"), notes, 0o644); err != nil {
		return err
	}
	in := func(name string) string { return filepath.Join(d.dir, name) }
	d.explain("The vendor makes a repository and its keys. (" + envPassphrase + " is empty here: plain keys, good for a demo only.)")
	if err := d.inplace("release", "init", in("repo"), "--keys", in("keys"), "--product", in("level0/updates/product.yaml")); err != nil {
		return err
	}
	d.explain("The vendor publishes two trees: update levels 0 and 1 of the channel full.")
	if err := d.inplace("release", "add", in("repo"), in("level0"), "--level", "0", "--channel", "full", "--keys", in("keys")); err != nil {
		return err
	}
	return d.inplace("release", "add", in("repo"), in("level1"), "--level", "1", "--channel", "full", "--keys", in("keys"), "--notes", in("notes.yaml"))
}

// install puts the product where an operator has it, and makes it known.
func (d *demonstration) install() error {
	if err := writeDemo("level0", d.home); err != nil {
		return err
	}
	if err := os.Mkdir(filepath.Join(d.home, "logs"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(d.home, "logs", "server.log"), []byte("server started\n"), 0o640); err != nil {
		return err
	}
	d.explain("An operator has installed level 0 in " + d.home + " and makes it known, once. It finds out by itself which level that is.")
	return d.inplace("adopt", d.home, "--source", filepath.Join(d.dir, "repo"))
}

// edit is what operators do.
func (d *demonstration) edit() error {
	d.explain("The operator configures the server (another port, the real database, more attempts to log in) and deletes the examples.")
	for _, e := range []struct{ path, old, new string }{
		{"conf/server.xml", `port="8080"`, `port="9080"`},
		{"conf/acme.properties", "db.url=jdbc:h2:./database/acme", "db.url=jdbc:postgresql://db.example.com/acme"},
		{"conf/acme.properties", "db.password=acme", "db.password=correct-horse-battery"},
		{"conf/auth.properties", "auth.lockout.attempts=5", "auth.lockout.attempts=9"},
	} {
		if err := replaceInFile(filepath.Join(d.home, filepath.FromSlash(e.path)), e.old, e.new); err != nil {
			return err
		}
	}
	return os.RemoveAll(filepath.Join(d.home, "webapps", "examples"))
}

// look is the dry run, which must leave the tree as it was.
func (d *demonstration) look(before []string) error {
	d.explain("Look first. Nothing is written.")
	if err := d.launcher("--dry-run"); err != nil {
		return err
	}
	return d.compare("the dry run", before)
}

// goForward is the update, and a look at its result.
func (d *demonstration) goForward() error {
	d.explain("The same with effect.")
	if err := d.launcher(); err != nil {
		return err
	}
	d.explain("What is installed now, and the way back:")
	if err := d.launcher("status"); err != nil {
		return err
	}
	for _, want := range []struct{ path, text string }{
		{"conf/server.xml", `port="9080"`},
		{"conf/server.xml", "RequestLimiter"},
		{"conf/acme.properties", "db.password=correct-horse-battery"},
		{"conf/acme.properties", "session.cookie.same-site=strict"},
		{"conf/security.properties", "auth.lockout.attempts=9"},
		{"conf/security.properties", "auth.hash=argon2id"},
		{"lib/acme-core-4.2.1.jar", "4.2.1"},
	} {
		data, err := os.ReadFile(filepath.Join(d.home, filepath.FromSlash(want.path)))
		if err != nil {
			return err
		}
		if !strings.Contains(string(data), want.text) {
			return fmt.Errorf("%s: want %q in it after the update", want.path, want.text)
		}
	}
	for _, gone := range []string{"webapps/examples", "lib/legacy-auth-1.0.jar", "conf/auth.properties"} {
		if _, err := os.Lstat(filepath.Join(d.home, filepath.FromSlash(gone))); err == nil {
			return fmt.Errorf("%s: want nothing there after the update", gone)
		}
	}
	return nil
}

// goBack is the revert, which must restore the tree exactly.
func (d *demonstration) goBack(before []string) error {
	d.explain("Back again. This needs no repository.")
	if err := d.launcher("--revert"); err != nil {
		return err
	}
	if err := d.launcher("history"); err != nil {
		return err
	}
	if err := d.compare("the revert", before); err != nil {
		return err
	}
	d.explain(fmt.Sprintf("Compared by digest: all %d paths are exactly as they were before the update.", len(before)))
	return nil
}

// compare fails if the tree is not as it was.
func (d *demonstration) compare(what string, before []string) error {
	now, err := treeDigests(d.home)
	if err != nil {
		return err
	}
	if diff := different(before, now); len(diff) > 0 {
		return fmt.Errorf("after %s the tree differs from before:\n%s", what, strings.Join(diff, "\n"))
	}
	return nil
}

// explain prints what comes next.
func (d *demonstration) explain(text string) {
	p := newPrinter(d.env.Stdout, d.colour(d.env.Stdout, d.noColour))
	if d.step++; d.step > 1 {
		p.line("")
	}
	p.wrapped(0, fmt.Sprintf("== %d. %s", d.step, text))
	_ = p.flush(d.env.Stdout) // a demo that nobody watches is still checked
}

// inplace runs this program as if it had been typed.
func (d *demonstration) inplace(args ...string) error {
	return d.execute("inplace", d.env.Executable, args)
}

// launcher runs the installation's own launcher as if it had been typed.
func (d *demonstration) launcher(args ...string) error {
	name := filepath.Join(d.home, "bin", "update.sh")
	return d.execute(name, func() (string, error) { return filepath.Join(d.home, "bin", "inplace"), nil }, args)
}

// execute runs a command line within this process.
func (d *demonstration) execute(name string, exe func() (string, error), args []string) error {
	typed := []string{shellQuote(name)}
	for _, a := range args {
		typed = append(typed, shellQuote(a))
	}
	p := newPrinter(d.env.Stdout, d.colour(d.env.Stdout, d.noColour))
	p.line("%s", styled{bold, "$ " + strings.Join(typed, " ")})
	if err := p.flush(d.env.Stdout); err != nil {
		return err
	}
	env := d.env
	env.Name, env.Executable, env.Stderr, env.whole = name, exe, d.env.Stdout, false
	env.LookupEnv = func(key string) (string, bool) {
		if key == envPassphrase {
			return "", true
		}
		return d.env.LookupEnv(key)
	}
	if d.noColour {
		args = append(args[:len(args):len(args)], "--no-color")
	}
	if code := runIn(d.ctx, args, env); code != ExitOK {
		return fmt.Errorf("%s: want exit code 0, got %d", strings.Join(typed, " "), code)
	}
	return nil
}
