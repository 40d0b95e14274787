// Package web reads a repository from a web server, or whatever hands out files over
// HTTP: an object store, a mirror, a cache.
//
// Nothing it brings is trusted; package repository checks every byte. What it promises
// is that a download ends, and that it is not begun anew without need:
//
//   - Each file is bounded in size by what its reader takes, and in time: a server that
//     says nothing for Options.Idle is given up, and one that drips as well, by a
//     deadline of one minute and a second for each 16 KiB that the file may have.
//   - A download that is cut goes on where it stopped (Range with If-Range) if the server
//     names its bytes by a strong ETag; else it begins anew and what came before must come
//     again. Refused connections, cut bodies and the answers 408, 425, 429, 500, 502, 503
//     and 504 are tried again, at growing random distances or when Retry-After says.
//   - What is named by a digest is kept in a [Cache], whole or cut, for later runs and
//     other installations.
//   - Credentials go to the host of the source alone, encrypted or to this very machine,
//     whatever it redirects to; so does the client's certificate. An answer that leads
//     from https to http is refused.
//
// Proxies are those of HTTP_PROXY, HTTPS_PROXY and NO_PROXY, with who logs in there as
// user:password@ of their addresses.
//
// Errors name host and path, and never anything secret. Interrupted, the package leaves
// part files in the cache and nothing else.
package web

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
)

// Options say how a server is reached; the zero value is what most want.
type Options struct {
	AllowHTTP bool   // take http:// also from other machines than this one
	CA        string // file of PEM certificates to trust besides the system's; "": none
	Cert, Key string // files of the client's certificate and key, PEM; "": none

	// Credentials returns the Authorization header for the source, or "". It is asked
	// once, when the first request is made. Nil: none.
	Credentials func(ctx context.Context) (string, error)

	Cache *Cache // nil: nothing is kept

	Agent string // User-Agent; "": inplace

	// For tests; nil and 0 are what is described above.
	Proxy func(*http.Request) (*url.URL, error)
	Sleep func(ctx context.Context, d time.Duration) error
	Rand  func() float64 // in [0, 1)
	Idle  time.Duration  // 0: 30 s
	Early int64          // 0: from 4 MiB on, files are received ahead of their reader
}

// IsSource reports whether source is an address that this package reads.
func IsSource(source string) bool {
	scheme, _, ok := strings.Cut(source, "://")
	return ok && (strings.EqualFold(scheme, "http") || strings.EqualFold(scheme, "https"))
}

// SameHost reports whether two addresses have scheme, host and port in common.
func SameHost(a, b string) bool {
	u, err := url.Parse(a)
	v, other := url.Parse(b)
	return err == nil && other == nil && strings.EqualFold(u.Scheme, v.Scheme) && strings.EqualFold(u.Host, v.Host)
}

// SourceError reports a source that is not asked at all.
type SourceError struct{ Source, Msg string }

func (e *SourceError) Error() string { return e.Source + ": " + e.Msg }

// StatusError reports an answer that is not the file.
type StatusError struct {
	Status int
	Text   string // what the server calls the status
	Reason string // of a refusal, as the server explains it (RFC 6750); ""
}

func (e *StatusError) Error() string {
	text := fmt.Sprintf("want 200 OK, got %.64q", e.Text)
	if e.Reason != "" {
		text += ": " + e.Reason
	}
	return text
}

// Refused reports whether the server does not give the file to who asked for it.
func (e *StatusError) Refused() bool {
	return e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden
}

// EncodingError reports a server that changes files on their way; it was asked not to.
type EncodingError struct{ Encoding string }

func (e *EncodingError) Error() string {
	return fmt.Sprintf("want the file as it is, got it with Content-Encoding %.32q", e.Encoding)
}

// ProxyError reports a proxy that does not let a connection to the source through.
type ProxyError struct{ Err *StatusError }

func (e *ProxyError) Error() string { return "the proxy: " + e.Err.Error() }
func (e *ProxyError) Unwrap() error { return e.Err }

// Transport is a repository.Transport.
type Transport struct {
	base   *url.URL
	opt    Options
	client *http.Client
	own    *http.Transport // for the host of the source
	others *http.Transport // for where it redirects to
	auth   func(context.Context) (string, error)
}

// Open makes the transport for source, http:// or https:// and the address of the
// repository. It reads the files that opt names and asks nobody.
func Open(source string, opt Options) (*Transport, error) {
	base, err := ParseSource(source)
	if err != nil {
		return nil, err
	}
	if base.Scheme == "http" && !opt.AllowHTTP && !isLoopback(base.Hostname()) {
		return nil, &SourceError{base.String(), "want https://, got http:// to another machine"}
	}
	if opt.Idle == 0 {
		opt.Idle = 30 * time.Second
	}
	if opt.Proxy == nil {
		opt.Proxy = proxyFromEnvironment
	}
	if opt.Sleep == nil {
		opt.Sleep = sleep
	}
	if opt.Rand == nil {
		opt.Rand = rand.Float64
	}
	if opt.Agent == "" {
		opt.Agent = "inplace"
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if config.RootCAs, err = roots(opt.CA); err != nil {
		return nil, err
	}
	t := &Transport{base: base, opt: opt, auth: once(opt.Credentials)}
	t.others = t.transport(config)
	if opt.Cert != "" {
		pair, err := tls.LoadX509KeyPair(opt.Cert, opt.Key)
		if err != nil {
			return nil, fmt.Errorf("%s: client's certificate: %w", opt.Cert, err)
		}
		config = config.Clone()
		config.Certificates = []tls.Certificate{pair}
	}
	t.own = t.transport(config)
	t.client = &http.Client{Transport: t, CheckRedirect: t.redirect}
	return t, nil
}

// ParseSource checks the address of a repository and returns it without a slash at its end.
func ParseSource(source string) (*url.URL, error) {
	u, err := url.Parse(source)
	if err != nil {
		return nil, errors.New("source: want a URL, got one that does not parse") // it may hold a password
	}
	shown := u.Scheme + "://" + u.Host + u.EscapedPath()
	switch {
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		return nil, &SourceError{shown, "want https:// and a host"}
	case u.User != nil:
		return nil, &SourceError{shown, "want an address without user and password"}
	case u.RawQuery != "" || u.Fragment != "" || u.ForceQuery:
		return nil, &SourceError{shown, "want an address without ? and #"}
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// Close lets go of the connections and the cache.
func (t *Transport) Close() error {
	t.own.CloseIdleConnections()
	t.others.CloseIdleConnections()
	return t.opt.Cache.Close()
}

func (t *Transport) transport(config *tls.Config) *http.Transport {
	return &http.Transport{
		Proxy:                  t.opt.Proxy,
		OnProxyConnectResponse: tunnel,
		DialContext:            (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSClientConfig:        config,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  t.opt.Idle,
		MaxResponseHeaderBytes: 64 << 10,
		MaxIdleConnsPerHost:    16,
		IdleConnTimeout:        30 * time.Second,
		DisableCompression:     true, // contents are compressed, and lengths are to mean bytes
		ForceAttemptHTTP2:      true,
		ReadBufferSize:         64 << 10,
	}
}

// RoundTrip implements http.RoundTripper: only what goes to the host of the source
// carries credentials and the client's certificate.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if !t.isOwn(req.URL) {
		return t.others.RoundTrip(req)
	}
	if req.URL.Scheme == "https" || isLoopback(req.URL.Hostname()) {
		header, err := t.auth(req.Context())
		if err != nil {
			return nil, &finalError{err}
		}
		if header != "" {
			req = req.Clone(req.Context())
			req.Header.Set("Authorization", header)
		}
	}
	return t.own.RoundTrip(req)
}

func (t *Transport) isOwn(u *url.URL) bool {
	return u.Scheme == t.base.Scheme && strings.EqualFold(u.Host, t.base.Host)
}

// proxyFromEnvironment is http.ProxyFromEnvironment, whose errors repeat passwords.
func proxyFromEnvironment(req *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(req)
	if err != nil {
		err = &finalError{errors.New("want the address of a proxy in HTTPS_PROXY or HTTP_PROXY, got one that does not parse")}
	}
	return u, err
}

// tunnel keeps the status of a proxy that does not let a connection through.
func tunnel(_ context.Context, _ *url.URL, _ *http.Request, resp *http.Response) error {
	if resp.StatusCode == http.StatusOK {
		return nil
	}
	return &finalError{&ProxyError{statusOf(resp)}}
}

const maxRedirects = 5

func (t *Transport) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return &finalError{fmt.Errorf("want at most %d redirects, got more", maxRedirects)}
	}
	if req.URL.Scheme != "https" && (via[len(via)-1].URL.Scheme == "https" || !t.opt.AllowHTTP && !isLoopback(req.URL.Hostname())) {
		return &finalError{fmt.Errorf("leads to %s://%s, which is not encrypted", req.URL.Scheme, req.URL.Host)}
	}
	return nil
}

// isLoopback reports whether host is this very machine.
func isLoopback(host string) bool {
	addr, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && addr.IsLoopback()
}

func roots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil // the system's
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(data) {
		return nil, fmt.Errorf("%s: want certificates in PEM, got none", file)
	}
	return pool, nil
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// once asks fn once, for all that ask at the same time.
func once(fn func(context.Context) (string, error)) func(context.Context) (string, error) {
	if fn == nil {
		return func(context.Context) (string, error) { return "", nil }
	}
	type answer struct {
		header string
		err    error
	}
	turn := make(chan *answer, 1)
	turn <- nil
	return func(ctx context.Context) (string, error) {
		a := <-turn
		if a == nil {
			header, err := fn(ctx)
			a = &answer{header, err}
		}
		turn <- a
		return a.header, a.err
	}
}
