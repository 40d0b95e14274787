package service

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"inplace/manifest"
)

// Probe is one question about the product's health; exactly one of HTTP, TCP, Log and
// Command is set.
type Probe struct {
	HTTP   string         // address to get, http or https
	Status int            // the status wanted of HTTP
	Body   *regexp.Regexp // what the body must have, in its first maxBody bytes; nil: anything

	TCP string // HOST:PORT that must take connections

	Log   string         // file that must get a line matching Match after the start
	Match *regexp.Regexp // of Log

	Command []string // that must exit with 0

	Timeout time.Duration // of one answer
	Retries int           // bad answers in a row that are still forgiven
}

// String names the probe as the settings do.
func (p *Probe) String() string {
	switch {
	case p.HTTP != "":
		return "http " + manifest.Path(withoutQuery(p.HTTP)).String()
	case p.TCP != "":
		return "tcp " + p.TCP
	case p.Log != "":
		return "log " + manifest.Path(p.Log).String()
	}
	return "command " + manifest.Path(line(p.Command)).String()
}

// withoutQuery keeps what may be a token out of reports.
func withoutQuery(url string) string {
	before, _, cut := strings.Cut(url, "?")
	if cut {
		return before + "?..."
	}
	return url
}

// maxBody is how much of an answer is looked at.
const maxBody = 1 << 20

// Mark is how far a log had been written at some time. It can be kept as JSON.
type Mark struct {
	File uint64 `json:"file"` // number of the file, 0 where there was none or the system has none
	Size int64  `json:"size"`
}

// check asks once; nil is a good answer, the error says in words what was bad.
func (s *Service) check(ctx context.Context, p *Probe, since Mark) error {
	ctx, cancel := context.WithTimeout(ctx, p.Timeout)
	defer cancel()
	switch {
	case p.HTTP != "":
		return p.get(ctx)
	case p.TCP != "":
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", p.TCP)
		if err != nil {
			return plainly(err, p.Timeout)
		}
		return conn.Close()
	case p.Log != "":
		return s.read(p, since)
	}
	probe := *s
	probe.Timeout = p.Timeout
	_, err := probe.run(ctx, p.Command)
	var failed *CommandError
	if errors.As(err, &failed) {
		return errors.New(failed.Reason)
	}
	return err
}

// get asks for a page. An answer out of a cache says nothing of the product.
func (p *Probe) get(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, p.HTTP, nil)
	if err != nil {
		return err
	}
	req.Header.Set("Cache-Control", "no-cache, no-store")
	req.Header.Set("Pragma", "no-cache")
	req.Header.Set("User-Agent", "inplace-health")
	transport := &http.Transport{DisableKeepAlives: true, MaxResponseHeaderBytes: 64 << 10} // asked where it is told to, by no proxy
	client := &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(req)
	if err != nil {
		return plainly(err, p.Timeout)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	switch {
	case err != nil:
		return plainly(err, p.Timeout)
	case fromCache(answer.Header):
		return errors.New("the answer came from a cache")
	case answer.StatusCode != p.Status:
		return fmt.Errorf("want status %d, got %d", p.Status, answer.StatusCode)
	case p.Body != nil && !p.Body.Match(body):
		return fmt.Errorf("the page has nothing that matches %q", p.Body)
	}
	return nil
}

// fromCache reports whether something on the way has answered from its memory.
func fromCache(h http.Header) bool {
	if age := h.Get("Age"); age != "" && age != "0" {
		return true
	}
	return strings.HasPrefix(strings.ToUpper(h.Get("X-Cache")), "HIT")
}

// plainly is a failure of the network without addresses said twice.
func plainly(err error, timeout time.Duration) error {
	var wait interface{ Timeout() bool }
	if errors.Is(err, context.DeadlineExceeded) || errors.As(err, &wait) && wait.Timeout() {
		return fmt.Errorf("no answer within %v", timeout)
	}
	var op *net.OpError
	if errors.As(err, &op) {
		var call *os.SyscallError
		if errors.As(op.Err, &call) {
			return call.Err
		}
		return op.Err
	}
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("the connection was closed before the answer was whole")
	}
	return err
}

func (s *Service) path(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(s.Dir, filepath.FromSlash(name))
}

// markOf notes how far a probe's log is written.
func (s *Service) markOf(p *Probe) Mark {
	if p.Log == "" {
		return Mark{}
	}
	info, err := os.Stat(s.path(p.Log))
	if err != nil {
		return Mark{}
	}
	return Mark{fileNumber(info), info.Size()}
}

// since is where in the log what was written after the mark begins. A log that was rotated
// or emptied in between counts from its start.
func (m Mark) since(info os.FileInfo) int64 {
	if fileNumber(info) != m.File || info.Size() < m.Size {
		return 0
	}
	return m.Size
}

// Tail is the last lines that the log of a probe got since the start, at most maxTail bytes, and the
// name of that log: of the first log probe that has any. Both are empty where none has.
func (s *Service) Tail(h *Health, before Baseline) (name, lines string) {
	for i := range h.Probes {
		p := &h.Probes[i]
		if p.Log == "" {
			continue
		}
		f, err := os.Open(s.path(p.Log))
		if err != nil {
			continue
		}
		info, err := f.Stat()
		if err == nil && info.Mode().IsRegular() {
			from := max(before.of(i, p).Log.since(info), info.Size()-maxTail)
			buf := make([]byte, info.Size()-from)
			n, _ := f.ReadAt(buf, from)
			lines = lastLines(buf[:n], tailLines)
		}
		_ = f.Close()
		if lines != "" {
			return p.Log, lines
		}
	}
	return "", ""
}

// read looks for a matching line in what the log got since the mark. A log that was
// rotated or emptied since is read from its start.
func (s *Service) read(p *Probe, since Mark) error {
	f, err := os.Open(s.path(p.Log))
	if err != nil {
		var path *os.PathError
		if errors.As(err, &path) {
			return path.Err
		}
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("is no regular file")
	}
	from := since.since(info)
	found, err := matchLine(io.NewSectionReader(f, from, info.Size()-from), p.Match)
	if err == nil && !found {
		err = fmt.Errorf("no line since the start matches %q", p.Match)
	}
	return err
}

// matchLine reports whether a line of r matches. Of lines above 64 KiB each piece of
// that size counts as one.
func matchLine(r io.Reader, match *regexp.Regexp) (bool, error) {
	lines := bufio.NewReaderSize(r, 64<<10)
	for {
		line, err := lines.ReadSlice('\n')
		if len(line) > 0 && match.Match(bytes.TrimRight(line, "\r\n")) {
			return true, nil
		}
		switch {
		case errors.Is(err, io.EOF):
			return false, nil
		case err != nil && !errors.Is(err, bufio.ErrBufferFull):
			return false, err
		}
	}
}
