package repository

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"inplace/manifest"
)

// windowBytes is the zstd window: what a decoder has to keep, and all that a
// hostile frame can make it keep.
const windowBytes = 8 << 20

// inventoryWindow is the window of inventories, which gain nothing by a longer one.
const inventoryWindow = 1 << 20

// decoders lends zstd decoders, which are costly to make. The zero value is ready.
type decoders struct{ pool sync.Pool }

func (p *decoders) get(r io.Reader) (*zstd.Decoder, error) {
	if d, ok := p.pool.Get().(*zstd.Decoder); ok {
		return d, d.Reset(r)
	}
	// One goroutine each: a reader decodes where it is read, and leaves nothing
	// running when it is dropped by the pool.
	return zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
		zstd.WithDecoderMaxWindow(windowBytes), zstd.WithDecodeAllCapLimit(true))
}

func (p *decoders) put(d *zstd.Decoder) {
	if d.Reset(nil) == nil {
		p.pool.Put(d)
	}
}

// Blob opens the content with digest d and length size. The reader never gives more
// than size bytes, and holds back the last ones until length and digest are known
// to be right: who has read size bytes, or to io.EOF without an error, has the
// vendor's bytes. What is wrong comes as an *[UntrustedError]. The reader is also an
// io.WriterTo; it must be closed. Several contents may be
// read at the same time, each by one goroutine.
func (c *Client) Blob(ctx context.Context, d manifest.Digest, size int64) (io.ReadCloser, error) {
	return c.open(ctx, blobPath(d), d, size)
}

// Append appends the content with digest d and length size to dst and returns it, with the
// errors of [Client.Blob]. It is for contents that fit into memory, and takes less of it all
// than a reader does.
func (c *Client) Append(ctx context.Context, dst []byte, d manifest.Digest, size int64) ([]byte, error) {
	return c.whole(ctx, dst, blobPath(d), d, size)
}

func (c *Client) open(ctx context.Context, path string, d manifest.Digest, size int64) (io.ReadCloser, error) {
	src, err := c.transport.Get(ctx, path, packedLimit(size))
	if err != nil {
		return nil, err
	}
	dec, err := c.pool.get(&limited{r: src, left: packedLimit(size)})
	if err != nil {
		_ = src.Close()
		return nil, c.from(badFrame(path, err))
	}
	return &content{c: c, ctx: ctx, path: path, want: d, left: size, hash: sha256.New(), src: src, dec: dec}, nil
}

// whole appends the content at path, with digest d and length size, to dst and returns it,
// or what is wrong as [Client.Blob] does. It is for what fits into memory: in one piece,
// nothing is decoded by way of a window.
func (c *Client) whole(ctx context.Context, dst []byte, path string, d manifest.Digest, size int64) (out []byte, err error) {
	src, err := c.transport.Get(ctx, path, packedLimit(size))
	if err != nil {
		return nil, err
	}
	defer func() { err = c.end(src, err) }()
	p := packed.Get().(*bytes.Buffer)
	defer packed.Put(p)
	p.Reset()
	p.Grow(int(min(lengthOf(src), packedLimit(size))) + bytes.MinRead)
	// The limit reads one byte further than it lets through, to see that there is none.
	if _, err := p.ReadFrom(&limited{r: src, left: packedLimit(size)}); err != nil {
		return nil, badFrame(path, err)
	}
	dec, err := c.pool.get(nil)
	if err != nil {
		return nil, badFrame(path, err)
	}
	defer c.pool.put(dec)
	dst = slices.Grow(dst, int(size))
	old := len(dst)
	out, err = dec.DecodeAll(p.Bytes(), dst[:old:old+int(size)])
	got := int64(len(out) - old)
	switch {
	case errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return nil, &UntrustedError{Path: path, Why: BadDigest, Msg: "longer than was signed"}
	case err != nil:
		return nil, badFrame(path, err)
	case got < size:
		return nil, &UntrustedError{Path: path, Why: BadDigest, Msg: fmt.Sprintf("%d bytes too short", size-got)}
	}
	if digest := manifest.DigestOf(out[old:]); digest != d {
		return nil, digestError(path, d, digest)
	}
	return out, nil
}

// lengthOf is how long what r reads is, 0 where that is not known.
func lengthOf(r io.Reader) int64 {
	switch r := r.(type) {
	case *os.File:
		if info, err := r.Stat(); err == nil {
			return info.Size()
		}
	case interface{ Size() int64 }:
		return r.Size()
	}
	return 0
}

// packed lends buffers for compressed contents.
var packed = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// packedLimit is the longest that size bytes can be when compressed by anybody who
// means well: zstd grows what it cannot shrink by three bytes in each block.
func packedLimit(size int64) int64 { return size + size/64 + 1024 }

// limited ends with an error, not quietly, after left bytes.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(p []byte) (int, error) {
	if l.left <= 0 {
		var one [1]byte
		if n, err := l.r.Read(one[:]); n == 0 {
			return 0, asTransport(err)
		}
		return 0, errors.New("longer than its content can need")
	}
	if int64(len(p)) > l.left {
		p = p[:l.left]
	}
	n, err := l.r.Read(p)
	l.left -= int64(n)
	return n, asTransport(err)
}

// transportError marks an error that is the transport's, not a fault of the bytes.
type transportError struct{ err error }

func (e *transportError) Error() string { return e.err.Error() }
func (e *transportError) Unwrap() error { return e.err }

func asTransport(err error) error {
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return &transportError{err}
}

// content decompresses and checks one blob or inventory.
type content struct {
	c    *Client
	ctx  context.Context
	path string
	want manifest.Digest
	left int64 // bytes still to come
	hash hash.Hash
	src  io.ReadCloser
	dec  *zstd.Decoder
	done error // what every further Read returns
}

func (r *content) Read(p []byte) (int, error) {
	if r.done != nil {
		return 0, r.done
	}
	if len(p) == 0 {
		return 0, nil
	}
	n, err := r.read(p)
	if err != nil {
		err = r.c.from(err)
		judge(r.src, err)
		r.done = err
	}
	return n, err
}

func (r *content) read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	n := 0
	if r.left > 0 {
		if int64(len(p)) > r.left {
			p = p[:r.left]
		}
		var err error
		n, err = r.dec.Read(p)
		r.hash.Write(p[:n])
		r.left -= int64(n)
		switch {
		case errors.Is(err, io.EOF) && r.left > 0:
			return 0, &UntrustedError{Path: r.path, Why: BadDigest, Msg: fmt.Sprintf("%d bytes too short", r.left)}
		case err != nil && !errors.Is(err, io.EOF):
			return 0, badFrame(r.path, err)
		case r.left > 0:
			return n, nil
		}
	}
	if err := r.finish(); err != nil {
		return 0, err
	}
	judge(r.src, nil)
	r.done = io.EOF
	if n == 0 {
		return 0, io.EOF
	}
	return n, nil
}

// finish checks that nothing follows and that the digest is right.
func (r *content) finish() error {
	var one [1]byte
	for {
		n, err := r.dec.Read(one[:])
		if n > 0 {
			return &UntrustedError{Path: r.path, Why: BadDigest, Msg: "longer than was signed"}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return badFrame(r.path, err)
		}
	}
	if got := manifest.Digest(r.hash.Sum(nil)); got != r.want {
		return digestError(r.path, r.want, got)
	}
	return nil
}

// WriteTo writes the content to w in pieces of 128 KiB.
func (r *content) WriteTo(w io.Writer) (int64, error) {
	buf := make([]byte, min(128<<10, max(r.left, 1)))
	var total int64
	for {
		n, err := r.Read(buf)
		if n > 0 {
			m, werr := w.Write(buf[:n])
			total += int64(m)
			if werr != nil {
				return total, werr
			}
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// Close returns the decoder and closes the transport's file.
func (r *content) Close() error {
	if r.dec == nil {
		return nil
	}
	r.c.pool.put(r.dec)
	r.dec = nil
	if r.done == nil {
		r.done = errors.New(r.path + ": read after close")
	}
	return r.src.Close()
}

// badFrame reports bytes that do not decompress; what the transport could not read
// stays an error of the transport.
func badFrame(path string, err error) error {
	var transport *transportError
	if errors.As(err, &transport) {
		return pathFirst(path, transport.err)
	}
	return &UntrustedError{Path: path, Why: BadDigest, Msg: "does not decompress", Err: err}
}
