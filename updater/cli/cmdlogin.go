package cli

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/urfave/cli/v2"

	"inplace/manifest/repository/web"
	"inplace/updater"
	"inplace/updater/credentials"
)

// maxSecret is the longest token or password that is read.
const maxSecret = 16 << 10

// loggedIn is what login and logout tell.
type loggedIn struct {
	Source string `json:"source"` // scheme and host
	Stored bool   `json:"stored"` // a login is kept for it now
	Had    bool   `json:"had"`    // one was kept before logout
}

func loginCommands(r *run) []*cli.Command {
	return []*cli.Command{
		{Name: "login", Usage: "keep what to log in with at a source; read from the terminal, or from standard input", ArgsUsage: "ADDRESS", Action: r.login, Flags: flags(
			textFlag("user", "NAME", "log in as NAME with a password (default: with a token)"),
			textFlag("ca", "FILE", "certificates to trust besides the system's, PEM"),
		)},
		{Name: "logout", Usage: "forget what to log in with at a source", ArgsUsage: "ADDRESS", Action: r.logout, Flags: flags()},
	}
}

// login is `login ADDRESS`. What was typed is tried before it is kept.
func (r *run) login(c *cli.Context) error {
	r.looking = true
	if err := r.begin(c, cmdLogin); err != nil {
		return err
	}
	source := c.Args().First()
	u, err := web.ParseSource(source)
	if err != nil {
		return err
	}
	secret, err := r.secret(c.String("user"))
	if err != nil {
		return err
	}
	header, err := credentials.Login(c.String("user"), secret)
	if err != nil {
		return usage(err.Error(), "type it in one line")
	}
	if err := r.tryLogin(source, c.String("ca"), header); err != nil {
		return err
	}
	f := r.logins()
	home := r.ownHome(c)
	if _, err := os.Stat(filepath.Join(home, "updates", "installed")); err == nil {
		f.Inside = func(path string) bool { return updater.LiesIn(home, path) }
	}
	if err := f.Keep(u, c.String("user"), secret); err != nil {
		return err
	}
	r.doc.Login = &loggedIn{Source: credentials.Origin(u), Stored: true}
	r.out.line("Logged in at %s; kept in %s.", credentials.Origin(u), place(f.Store))
	return nil
}

// tryLogin asks for the file that every repository has.
func (r *run) tryLogin(source, ca, header string) error {
	t, err := web.Open(source, web.Options{CA: ca, Agent: "inplace/" + r.env.Version,
		Credentials: func(context.Context) (string, error) { return header, nil }})
	if err != nil {
		return err
	}
	defer func() { _ = t.Close() }()
	const most = 64 << 10
	f, err := t.Get(r.ctx, "metadata/timestamp.json", most)
	if err != nil {
		return err
	}
	return f.Close()
}

// secret is a token, or the password of user: asked for on a terminal, else the first line
// of standard input.
func (r *run) secret(user string) (string, error) {
	question := "Token: "
	if user != "" {
		question = "Password of " + user + ": "
	}
	if in, ok := r.env.Stdin.(*os.File); ok && isTerminal(in) {
		text, err := r.ask(in, question)
		return string(text), err
	}
	data, err := await(r.ctx, func() ([]byte, error) { return io.ReadAll(io.LimitReader(r.env.Stdin, maxSecret+1)) })
	if err != nil {
		return "", err
	}
	line, rest, _ := strings.Cut(string(data), "\n")
	if line = strings.TrimRight(line, "\r"); line == "" || strings.TrimSpace(rest) != "" || len(data) > maxSecret {
		return "", usage("standard input: want one line with the secret, got something else", "for instance: inplace login ADDRESS <token-file")
	}
	return line, nil
}

// logout is `logout ADDRESS`.
func (r *run) logout(c *cli.Context) error {
	r.looking = true
	if err := r.begin(c, cmdLogout); err != nil {
		return err
	}
	u, err := web.ParseSource(c.Args().First())
	if err != nil {
		return err
	}
	f := r.logins()
	had, err := f.Forget(u)
	if err != nil {
		return err
	}
	r.doc.Login = &loggedIn{Source: credentials.Origin(u), Had: had}
	text := fmt.Sprintf("Nothing was kept for %s.", credentials.Origin(u))
	if had {
		text = fmt.Sprintf("Logged out at %s.", credentials.Origin(u))
	}
	r.out.line("%s", text)
	return nil
}
