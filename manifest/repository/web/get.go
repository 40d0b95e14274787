package web

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"inplace/manifest/repository"
)

// Limits of how long a server is asked.
const (
	mostTries    = 6                // in a row without getting on
	mostDials    = 3                // where nobody answers at all
	gettingOn    = 32 << 10         // bytes after which tries count anew
	firstDelay   = time.Second / 2  // before the second try, at most; doubles
	longestDelay = 30 * time.Second // between two tries
	longestWait  = 5 * time.Minute  // that Retry-After may ask for
	slowest      = 16 << 10         // bytes per second
)

// Get opens the file path of the repository, as repository.Transport has it.
func (t *Transport) Get(ctx context.Context, path string, limit int64) (io.ReadCloser, error) {
	if _, named := repository.NamedDigest(path); !named || t.opt.Cache == nil {
		return t.begin(ctx, path, limit, nil)
	}
	s := t.opt.Cache.shelf(path)
	if f := s.find(limit); f != nil {
		s.close()
		return f, nil
	}
	if p := s.left(limit); p != nil {
		if f, err := t.resume(ctx, path, limit, p); f != nil || err != nil {
			return f, err
		}
		s = t.opt.Cache.shelf(path)
	}
	return t.begin(ctx, path, limit, s.begin(limit))
}

// Cached implements repository.Caching.
func (t *Transport) Cached(path string) io.ReadCloser {
	if t.opt.Cache == nil {
		return nil
	}
	if f := t.opt.Cache.open(path); f != nil {
		return f
	}
	return nil
}

// begin asks for a file from its first byte on, and keeps it in p.
func (t *Transport) begin(ctx context.Context, path string, limit int64, p *part) (io.ReadCloser, error) {
	b, err := t.get(ctx, path, limit, p)
	if err != nil {
		return nil, err
	}
	if limit <= cmp.Or(t.opt.Early, earlyFrom) {
		return b, nil
	}
	return readEarly(b), nil
}

// get asks for a file, and goes on with what is in p.
func (t *Transport) get(ctx context.Context, path string, limit int64, p *part) (*body, error) {
	most := time.Minute + time.Duration(limit/slowest)*time.Second
	b := &body{t: t, path: path, limit: limit, part: p, off: p.size(), sum: p.sum(), etag: p.tag()}
	b.since = b.off
	b.ctx, b.cancel = context.WithTimeoutCause(ctx, most, fmt.Errorf("not there after %v", most))
	if err := b.connect(); err != nil {
		_ = b.Close()
		return nil, err
	}
	return b, nil
}

// resume brings the part file of an earlier run to its end and opens it. Nil without an
// error: the server has something else now, or the part was no good.
func (t *Transport) resume(ctx context.Context, path string, limit int64, p *part) (io.ReadCloser, error) {
	b, err := t.get(ctx, path, limit, p)
	if err == nil {
		if _, err = io.Copy(io.Discard, io.LimitReader(b, limit+1)); err == nil {
			b.Judge(p.check())
		}
		_ = b.Close()
	}
	if errors.Is(err, errOther) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	if f := t.opt.Cache.open(path); f != nil {
		return f, nil
	}
	return nil, nil
}

// place is how errors name a file: its path and where it was to come from.
func (t *Transport) place(path string) string { return path + ": " + t.base.String() }

// errOther says that a server, asked again, has other bytes than before.
var errOther = errors.New("changed while it was fetched")

// body is a file on its way. Its reader sees one unbroken stream.
type body struct {
	t      *Transport
	ctx    context.Context
	cancel context.CancelFunc
	path   string
	limit  int64

	in    *answer // nil: not connected
	known int64   // length of the whole file; -1: not told
	etag  string  // strong, or ""
	off   int64   // bytes read
	sum   uint32  // of these, to notice where they are not what comes again
	tries int     // since it got on
	since int64   // off when it got on
	part  *part   // what is kept in the cache; nil: nothing
	done  error   // how it ended
}

// Read never returns bytes with an error other than the end of the file.
func (b *body) Read(p []byte) (int, error) {
	for b.done == nil && len(p) > 0 {
		n, err := b.in.read(p)
		if n > 0 {
			b.off += int64(n)
			b.sum = update(b.sum, p[:n])
			if b.off > b.limit {
				b.part.drop() // nobody takes that much
				b.part = nil
			}
			b.part = b.part.write(p[:n])
			return n, nil
		}
		if err == io.EOF && (b.known < 0 || b.off == b.known) {
			b.done = io.EOF
		} else if err != nil {
			if err == io.EOF {
				err = io.ErrUnexpectedEOF
			}
			b.done = b.again(&transient{err: err})
			if b.done == nil {
				b.done = b.connect()
			}
		}
	}
	return 0, b.done
}

// Judge implements repository.Judged: what is right goes into the cache under its name, if
// all of it has come, what is wrong goes out of it.
func (b *body) Judge(right bool) {
	switch {
	case !right:
		b.part.drop()
		b.part = nil
	case b.done == io.EOF || b.done == nil && b.known >= 0 && b.off == b.known: // a reader need not see the end
		b.part.settle()
		b.part = nil
	}
}

// Close ends the download; what has come so far stays for a later run.
func (b *body) Close() error {
	b.in.close()
	b.in = nil
	if errors.Is(b.done, errOther) {
		b.part.drop()
	}
	b.part.keep()
	b.part = nil
	b.cancel()
	if b.done == nil {
		b.done = errors.New(b.path + ": read after close")
	}
	return nil
}

// connect asks for what is still to come, as often as it makes sense.
func (b *body) connect() error {
	for {
		err := b.ask()
		if err == nil {
			return nil
		}
		if err = b.again(err); err != nil {
			b.done = err
			return err
		}
	}
}

// again waits before the next try, or returns why there is none: err with its place.
func (b *body) again(err error) error {
	b.in.close()
	b.in = nil
	var missing *repository.NotFoundError
	if errors.As(err, &missing) {
		return err
	}
	if b.off >= b.since+gettingOn {
		b.tries, b.since = 0, b.off
	}
	b.tries++
	tried := ""
	if b.tries > 1 {
		tried = fmt.Sprintf(" (tried %d times)", b.tries)
	}
	last := fmt.Errorf("%s: %w%s", b.t.place(b.path), err, tried)
	var t *transient
	most := mostTries
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		most = mostDials
	}
	if !errors.As(err, &t) || b.tries >= most || t.wait > longestWait {
		return last
	}
	pause := time.Duration(b.t.opt.Rand() * float64(min(firstDelay<<(b.tries-1), longestDelay)))
	if e := b.t.opt.Sleep(b.ctx, max(pause, t.wait)); e != nil {
		return fmt.Errorf("%w (%w)", last, e)
	}
	return nil
}

// transient is a failure that may pass.
type transient struct {
	err  error
	wait time.Duration // that the server has asked for
}

func (e *transient) Error() string { return e.err.Error() }
func (e *transient) Unwrap() error { return e.err }
