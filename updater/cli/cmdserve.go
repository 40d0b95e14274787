package cli

import (
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/urfave/cli/v2"

	"inplace/manifest/repository/serve"
)

// shutdownGrace is how long answers under way may take when the server is told to stop.
const shutdownGrace = 30 * time.Second

func serveCommand(r *run) *cli.Command {
	return &cli.Command{Name: "serve", Usage: "for vendors: hand out a repository over HTTP until interrupted", ArgsUsage: "REPO", Action: r.serve, Flags: flags(
		textFlag("listen", "ADDR", "host:port to listen at (default: 127.0.0.1:8480; port 0: any that is free)"),
		textFlag("cert", "FILE", "the server's certificate, PEM, for https; with --key"),
		textFlag("key", "FILE", "the private key of the certificate, PEM"),
		textFlag("access-log", "FILE", "append a line for each request to FILE (default: standard error)"),
		textFlag("address-file", "FILE", "write the address to FILE once the server listens, for scripts"),
	)}
}

// serve is `serve REPO`.
func (r *run) serve(c *cli.Context) error {
	r.looking = true
	if err := r.begin(c, cmdServe); err != nil {
		return err
	}
	cert, key := c.String("cert"), c.String("key")
	if (cert == "") != (key == "") {
		return usage("--cert and --key go together", "give both for https, none for http")
	}
	listen := c.String("listen")
	if listen == "" {
		listen = "127.0.0.1:8480"
	}
	if _, _, err := net.SplitHostPort(listen); err != nil {
		return usage(fmt.Sprintf("--listen: want host:port, got %q", listen), "for instance 127.0.0.1:8480, or :8480 for all addresses")
	}
	log, err := r.accessLog(c.String("access-log"))
	if err != nil {
		return err
	}
	defer func() { _ = log.Close() }()
	h, err := serve.New(c.Args().First(), log.write, r.env.Now)
	if err != nil {
		return err
	}
	defer func() { _ = h.Close() }()
	l, err := new(net.ListenConfig).Listen(r.ctx, "tcp", listen)
	if err != nil {
		return err
	}
	scheme := "http"
	if cert != "" {
		scheme = "https"
	}
	address := scheme + "://" + l.Addr().String()
	r.reporter.say("serving %s at %s", place(c.Args().First()), address)
	if file := c.String("address-file"); file != "" {
		if _, err := replaceFile(file, func(f *os.File) error { _, err := f.WriteString(address + "\n"); return err }); err != nil {
			_ = l.Close()
			return err
		}
		defer func() { _ = os.Remove(file) }()
	}
	return serve.Run(r.ctx, l, h, cert, key, shutdownGrace)
}

// accessLog is where requests are recorded, a line for each, in the form that web servers
// call combined, with the subscription as the user, and behind it how long the answer took.
type accessLog struct {
	mu   sync.Mutex
	w    io.Writer
	file *os.File // to be closed
}

func (r *run) accessLog(file string) (*accessLog, error) {
	if file == "" {
		return &accessLog{w: r.env.Stderr}, nil
	}
	f, err := os.OpenFile(file, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o640)
	if err != nil {
		return nil, err
	}
	return &accessLog{w: f, file: f}, nil
}

// write records a; a log that cannot be written fails no request.
func (l *accessLog) write(a serve.Access) {
	who := a.Subscription
	if who == "" {
		who = "-"
	}
	line := fmt.Sprintf("%s - %s [%s] %q %d %d \"-\" %q %.3f\n", a.Remote, who, a.Time.Format("02/Jan/2006:15:04:05 -0700"),
		a.Method+" "+a.Path+" "+a.Proto, a.Status, a.Bytes, cut(a.Agent, 200), a.Took.Seconds())
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = io.WriteString(l.w, line)
}

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// Close closes the file.
func (l *accessLog) Close() error {
	if l.file == nil {
		return nil
	}
	return l.file.Close()
}
