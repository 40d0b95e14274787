package web

import (
	"io"
	"sync"
)

// Files that may be longer than earlyFrom are fetched by a goroutine of their own, at most
// aheadBytes ahead of whoever reads: to receive and keep bytes takes as long as to
// unpack, check and write them.
const (
	earlyFrom  = 4 << 20
	chunkBytes = 512 << 10
	aheadBytes = 3 * chunkBytes
)

// early is a body that is read ahead.
type early struct {
	b    *body
	full chan chunk
	free chan []byte // as many as may be ahead
	quit chan struct{}
	wg   sync.WaitGroup
	once sync.Once

	now  chunk // being read
	left []byte
}

// chunk is what one Read of the body gave.
type chunk struct {
	buf []byte
	n   int
	err error
}

func readEarly(b *body) *early {
	const chunks = aheadBytes / chunkBytes
	e := &early{b: b, full: make(chan chunk, chunks), free: make(chan []byte, chunks), quit: make(chan struct{})}
	for range chunks {
		e.free <- nil
	}
	e.wg.Go(e.run)
	return e
}

// run reads to the end, or until nobody wants any more.
func (e *early) run() {
	for {
		select {
		case <-e.quit:
			return
		case buf := <-e.free:
			if buf == nil {
				buf = make([]byte, chunkBytes)
			}
			n, err := e.b.Read(buf)
			e.full <- chunk{buf, n, err} // never waits: there are no more chunks than room
			if err != nil {
				return
			}
		}
	}
}

func (e *early) Read(p []byte) (int, error) {
	for len(e.left) == 0 && len(p) > 0 {
		if e.now.err != nil {
			return 0, e.now.err
		}
		if e.now.buf != nil {
			e.free <- e.now.buf
			e.now = chunk{}
		}
		select {
		case e.now = <-e.full:
			e.left = e.now.buf[:e.now.n]
		case <-e.quit:
			return 0, io.ErrClosedPipe
		}
	}
	n := copy(p, e.left)
	e.left = e.left[n:]
	return n, nil
}

// Judge implements repository.Judged. What is right has been read to its end, so that
// the goroutine does not wait for the server any more.
func (e *early) Judge(right bool) {
	e.end(!right)
	e.b.Judge(right)
}

func (e *early) Close() error {
	e.end(true)
	return e.b.Close()
}

// end waits for the goroutine to end; now: also where a server has to be left alone for it.
func (e *early) end(now bool) {
	e.once.Do(func() { close(e.quit) })
	if now {
		e.b.cancel()
	}
	e.wg.Wait()
}

var _ io.ReadCloser = (*early)(nil)
