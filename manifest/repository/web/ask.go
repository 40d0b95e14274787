package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"inplace/manifest/repository"
)

// answer is the body of one answer, given up when nothing comes for a while.
type answer struct {
	ctx   context.Context
	body  io.ReadCloser
	alive *time.Timer
	idle  time.Duration
	stop  context.CancelCauseFunc
}

var errSilent = errors.New("the server says nothing any more")

func (a *answer) read(p []byte) (int, error) {
	if a.body == nil {
		return 0, io.EOF // all had come before
	}
	n, err := a.body.Read(p)
	a.alive.Reset(a.idle)
	if err != nil && err != io.EOF {
		err = causeOf(a.ctx, err)
	}
	return n, err
}

func (a *answer) close() {
	if a == nil {
		return
	}
	a.alive.Stop()
	a.stop(nil)
	if a.body != nil {
		_ = a.body.Close()
	}
}

// ask makes one request for what is still to come, and leaves the answer in b.in. What may
// pass comes back as *transient.
func (b *body) ask() error {
	a := &answer{idle: b.t.opt.Idle}
	a.ctx, a.stop = context.WithCancelCause(b.ctx)
	a.alive = time.AfterFunc(a.idle, func() { a.stop(errSilent) })
	b.in = a
	u := *b.t.base
	u.Path, u.RawPath = u.Path+"/"+b.path, ""
	req, err := http.NewRequestWithContext(a.ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", b.t.opt.Agent)
	if b.off > 0 && b.etag != "" {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", b.off))
		req.Header.Set("If-Range", b.etag)
	}
	resp, err := b.t.client.Do(req)
	if err != nil {
		return failed(a.ctx, err)
	}
	a.body = resp.Body
	if e := resp.Header.Get("Content-Encoding"); e != "" && e != "identity" && resp.StatusCode < 300 {
		return &EncodingError{e}
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return b.whole(resp)
	case http.StatusPartialContent:
		return b.rest(resp)
	case http.StatusRequestedRangeNotSatisfiable:
		if b.off > 0 && resp.Header.Get("Content-Range") == fmt.Sprintf("bytes */%d", b.off) {
			_ = a.body.Close()
			a.body, b.known = nil, b.off
			return nil
		}
		b.etag = ""
		return &transient{err: statusOf(resp)}
	case http.StatusNotFound, http.StatusGone:
		return &repository.NotFoundError{Path: b.t.place(b.path)}
	case http.StatusForbidden: // so an object store answers for what it does not have
		if strings.HasSuffix(b.path, ".root.json") {
			return &repository.NotFoundError{Path: b.t.place(b.path)}
		}
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return &transient{err: statusOf(resp), wait: retryAfter(resp.Header)}
	}
	return statusOf(resp)
}

// whole takes an answer that begins with the first byte, also where a part was asked for.
func (b *body) whole(resp *http.Response) error {
	b.known, b.etag = resp.ContentLength, strong(resp.Header.Get("ETag"))
	if b.off == 0 {
		b.part.named(b.etag)
		return nil
	}
	var sum uint32
	buf := make([]byte, 64<<10)
	for left := b.off; left > 0; {
		n, err := b.in.read(buf[:min(left, int64(len(buf)))])
		sum = update(sum, buf[:n])
		left -= int64(n)
		if err == io.EOF && left > 0 {
			return errOther
		}
		if err != nil && err != io.EOF {
			return &transient{err: err}
		}
	}
	if sum != b.sum {
		return errOther
	}
	b.part.named(b.etag)
	return nil
}

// rest takes an answer that goes on where the last one stopped, if it does.
func (b *body) rest(resp *http.Response) error {
	var first, last, total int64
	got := resp.Header.Get("Content-Range")
	n, err := fmt.Sscanf(got, "bytes %d-%d/%d", &first, &last, &total)
	etag := resp.Header.Get("ETag")
	if b.off == 0 || err != nil || n != 3 || first != b.off || last != total-1 || last < first || etag != "" && etag != b.etag {
		b.etag = "" // all of it, next time
		return &transient{err: fmt.Errorf("want the bytes from %d on, got %q", b.off, got)}
	}
	b.known = total
	return nil
}

// failed is the error of a request without its address, marked if it may pass.
func failed(ctx context.Context, err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	err = causeOf(ctx, err)
	var certificate *tls.CertificateVerificationError
	var record tls.RecordHeaderError
	var alert tls.AlertError
	var own *finalError
	if errors.As(err, &certificate) || errors.As(err, &record) || errors.As(err, &alert) || errors.As(err, &own) {
		return err
	}
	return &transient{err: err}
}

// finalError is a reason of this package's own not to go on.
type finalError struct{ err error }

func (e *finalError) Error() string { return e.err.Error() }
func (e *finalError) Unwrap() error { return e.err }

// causeOf is why ctx ended, if that is what err says.
func causeOf(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return err
}

func statusOf(resp *http.Response) *StatusError {
	return &StatusError{Status: resp.StatusCode, Text: resp.Status, Reason: reason(resp.Header.Get("WWW-Authenticate"))}
}

// reason is the error_description of a challenge, as far as it is plain text.
func reason(challenge string) string {
	const most = 200
	_, text, ok := strings.Cut(challenge, `error_description="`)
	text, _, closed := strings.Cut(text, `"`)
	if !ok || !closed || len(text) > most || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
		return ""
	}
	return text
}

// strong is etag if it vouches for every byte, else "".
func strong(etag string) string {
	if len(etag) < 2 || len(etag) > 256 || etag[0] != '"' || etag[len(etag)-1] != '"' {
		return ""
	}
	return etag
}

// retryAfter is how long a server asks to be left alone, in seconds or until a date.
func retryAfter(h http.Header) time.Duration {
	text := h.Get("Retry-After")
	if n, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(n) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		now = time.Now()
	}
	return max(at.Sub(now), 0)
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func update(sum uint32, p []byte) uint32 { return crc32.Update(sum, castagnoli, p) }
