// Package serve hands out a repository over HTTP, as any web server could.
//
// It answers GET and HEAD for the files of a repository and nothing else: no listing, no
// file that a client has no use for (product.yaml, what a publishing run is writing). Each
// answer has a strong ETag, made of the file's contents or of the digest in its name, so
// that any number of servers of the same files give the same; ranges, If-Range and
// If-None-Match work. What is named by digest or version may be cached for ever, the
// timestamp has to be asked for anew, and that something is missing is not to be kept.
// Files of a channel that is for subscribers are given to who shows a subscription with it, as
// a bearer token (RFC 6750); see gate.
// GET /healthz answers 200 while the repository can be read, 503 where it cannot, or when the
// server is about to stop.
//
// It keeps nothing between two requests and writes nothing but its access log.
package serve

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path"
	"strings"
	"sync/atomic"
	"time"

	"inplace/manifest/repository"
)

// HealthPath is what a balancer asks.
const HealthPath = "/healthz"

const timestamp = "metadata/timestamp.json"

// slowest is the least that a reader must take, in bytes per second, after a minute.
const slowest = 16 << 10

// largestHashed is the longest file whose ETag is made of its contents.
const largestHashed = 16 << 20

// Access is one answered request, for a log. It has no headers: they hold secrets.
type Access struct {
	Time   time.Time
	Remote string // address without port
	Method string
	Path   string // as it was sent, escaped
	Proto  string
	Status int
	Bytes  int64 // of the body
	Took   time.Duration
	Agent  string

	Subscription string // the ID of the one that was shown, where one was needed; "": none
}

// Handler is an http.Handler for one repository.
type Handler struct {
	root     *os.Root
	gate     gate
	log      func(Access)
	now      func() time.Time
	stopping atomic.Bool
}

// New opens the repository in dir. log, which may be nil, is called by several goroutines.
func New(dir string, log func(Access), now func() time.Time) (*Handler, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	client, err := repository.Open(dir, repository.ClientOptions{})
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	h := &Handler{root: root, gate: gate{root: root, client: client}, log: log, now: now}
	err = h.health()
	if err == nil {
		_, _, err = h.gate.current(context.Background())
	}
	if err != nil {
		_ = h.Close()
		return nil, fmt.Errorf("%s: is no repository: %w", dir, err)
	}
	return h, nil
}

// Close lets go of the directory.
func (h *Handler) Close() error { return errors.Join(h.gate.client.Close(), h.root.Close()) }

// Stop makes the health answer say that this server is about to stop.
func (h *Handler) Stop() { h.stopping.Store(true) }

func (h *Handler) health() error {
	f, err := h.root.Open(timestamp)
	if err != nil {
		return err
	}
	return f.Close()
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := h.now()
	c := &counted{ResponseWriter: w}
	h.answer(c, r)
	if h.log == nil {
		return
	}
	remote, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		remote = r.RemoteAddr
	}
	h.log(Access{Subscription: c.subscription, Time: begin, Remote: remote, Method: r.Method, Path: r.URL.EscapedPath(), Proto: r.Proto,
		Status: c.status, Bytes: c.bytes, Took: h.now().Sub(begin), Agent: r.UserAgent()})
}

func (h *Handler) answer(w *counted, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		refuse(w, http.StatusMethodNotAllowed)
		return
	}
	if r.URL.Path == HealthPath {
		h.answerHealth(w)
		return
	}
	name := strings.TrimPrefix(r.URL.Path, "/")
	if !offered(name) {
		refuse(w, http.StatusNotFound)
		return
	}
	gated, shown, no, err := h.check(r, name)
	if shown != nil {
		w.subscription = shown.ID
	}
	switch {
	case err != nil:
		refuse(w, http.StatusInternalServerError)
		return
	case no != nil:
		turnAway(w, no)
		return
	}
	info, err := h.root.Stat(name) // first, since opening a fifo would wait for its writer
	var f *os.File
	if err == nil && info.Mode().IsRegular() {
		f, err = h.root.Open(name)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), err == nil && f == nil, errors.Is(err, fs.ErrPermission):
		refuse(w, http.StatusNotFound)
		return
	case err != nil:
		refuse(w, http.StatusInternalServerError)
		return
	}
	defer func() { _ = f.Close() }()
	h.send(w, r, name, gated, info, f)
}

func (h *Handler) answerHealth(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	switch err := h.health(); {
	case h.stopping.Load():
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "stopping\n")
	case err != nil:
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "the repository cannot be read\n")
	default:
		_, _ = io.WriteString(w, "ok\n")
	}
}

// offered reports whether name is in its one spelling and may be a file that clients ask
// for.
func offered(name string) bool {
	dir, _, ok := strings.Cut(name, "/")
	if !ok || path.Clean(name) != name {
		return false
	}
	if name == revokedFile || name == keysFile {
		return true
	}
	switch dir {
	case "metadata", "targets", "inventories", "blobs", "hints":
	default:
		return false
	}
	for part := range strings.SplitSeq(name, "/") {
		if strings.HasPrefix(part, ".") {
			return false
		}
	}
	return true
}

func (h *Handler) send(w http.ResponseWriter, r *http.Request, name string, gated bool, info fs.FileInfo, f *os.File) {
	var content io.ReadSeeker = f
	head := w.Header()
	switch d, named := repository.NamedDigest(name); {
	case named:
		head.Set("ETag", fmt.Sprintf(`"%s-%x"`, d.Hex(), info.Size()))
	case info.Size() <= largestHashed:
		data, err := io.ReadAll(io.LimitReader(f, largestHashed))
		if err != nil {
			refuse(w, http.StatusInternalServerError)
			return
		}
		sum := sha256.Sum256(data)
		head.Set("ETag", `"`+hex.EncodeToString(sum[:])+`"`)
		content = bytes.NewReader(data)
	}
	head.Set("Content-Type", contentType(name))
	switch {
	case name == timestamp, name == revokedFile, name == keysFile:
		head.Set("Cache-Control", "no-cache")
	case gated: // a cache that many share must not hand it to the next
		head.Set("Cache-Control", "private, max-age=31536000, immutable")
	default:
		head.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	// A reader that takes nothing must not hold a connection for ever.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(time.Minute + time.Duration(info.Size()/slowest)*time.Second))
	http.ServeContent(w, r, "", time.Time{}, content)
}

func contentType(name string) string {
	switch path.Ext(name) {
	case ".json":
		return "application/json"
	case ".yaml":
		return "application/yaml"
	case ".zst":
		return "application/zstd"
	}
	return "application/octet-stream"
}

func refuse(w http.ResponseWriter, status int) {
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

// counted counts what an answer has. It passes on what makes sending files cheap.
type counted struct {
	http.ResponseWriter
	status int
	bytes  int64

	subscription string // of who asks
}

func (c *counted) WriteHeader(status int) {
	if c.status == 0 || c.status < 200 {
		c.status = status
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *counted) Write(p []byte) (int, error) {
	c.status = max(c.status, http.StatusOK)
	n, err := c.ResponseWriter.Write(p)
	c.bytes += int64(n)
	return n, err
}

// ReadFrom lets the system send a file by itself.
func (c *counted) ReadFrom(r io.Reader) (int64, error) {
	c.status = max(c.status, http.StatusOK)
	n, err := io.Copy(c.ResponseWriter, r)
	c.bytes += n
	return n, err
}

// Unwrap is for http.ResponseController.
func (c *counted) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// Run serves h at l until ctx ends, then waits up to grace for the answers under way. cert
// and key are the files of the server's certificate; "": plain HTTP.
func Run(ctx context.Context, l net.Listener, h *Handler, cert, key string, grace time.Duration) error {
	s := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
	}
	served := make(chan error, 1)
	go func() {
		if cert != "" {
			served <- s.ServeTLS(l, cert, key)
		} else {
			served <- s.Serve(l)
		}
	}()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	h.Stop()
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := s.Shutdown(end)
	if err != nil {
		err = errors.Join(fmt.Errorf("answers were still under way after %v", grace), s.Close())
	}
	if e := <-served; !errors.Is(e, http.ErrServerClosed) {
		err = errors.Join(err, e)
	}
	return err
}
