package updater

import (
	"context"
	"sync"

	"inplace/manifest"
	"inplace/manifest/repository"
	"inplace/manifest/repository/web"
)

// fetchers is how many files are on their way from a server at once, where each waits for
// an answer.
const fetchers = 16

// abreast is how many files of source are fetched at once: alone those that are here.
func abreast(source string, alone int) int {
	if web.IsSource(source) {
		return fetchers
	}
	return alone
}

// ahead fetches small contents from a server before they are read one after the other, so
// that a slow link is waited for once and not for each. A nil ahead reads when it is asked.
type ahead struct {
	client *repository.Client
	stop   context.CancelFunc
	room   chan struct{} // what has come and was not read is bounded
	wg     sync.WaitGroup

	mu     sync.Mutex
	coming map[manifest.Digest]*coming // not read yet
}

// coming is one content on its way.
type coming struct {
	size    int64
	started bool
	done    chan struct{}
	data    []byte
	err     error
}

// readAhead begins to fetch the contents that list returns, which will be read in this
// order; those over maxPristine bytes, and nil, are left out. It is nil for a source that
// is no server, which is not asked for a list.
func readAhead(ctx context.Context, c *repository.Client, list func() []*manifest.Entry) *ahead {
	if !web.IsSource(c.Source()) {
		return nil
	}
	a := &ahead{client: c, room: make(chan struct{}, 2*fetchers), coming: map[manifest.Digest]*coming{}}
	ctx, a.stop = context.WithCancel(ctx)
	all := list()
	next := make(chan manifest.Digest, len(all))
	for _, e := range all {
		if e != nil && e.Kind == manifest.File && e.Size <= maxPristine && a.coming[e.Digest] == nil {
			a.coming[e.Digest] = &coming{size: e.Size, done: make(chan struct{})}
			next <- e.Digest
		}
	}
	close(next)
	for range min(fetchers, len(next)) {
		a.wg.Go(func() {
			for d := range next {
				if !a.fetch(ctx, d) {
					return
				}
			}
		})
	}
	return a
}

// fetch fetches one content, unless its reader was faster. False: there is no more to do.
func (a *ahead) fetch(ctx context.Context, d manifest.Digest) bool {
	select {
	case a.room <- struct{}{}:
	case <-ctx.Done():
		return false
	}
	a.mu.Lock()
	c := a.coming[d]
	if c != nil {
		c.started = true
	}
	a.mu.Unlock()
	if c == nil {
		<-a.room
		return true
	}
	c.data, c.err = a.client.Append(ctx, nil, d, c.size)
	close(c.done)
	return true
}

// get returns the content of e, which nobody else may read at the same time.
func (a *ahead) get(ctx context.Context, c *repository.Client, e *manifest.Entry) ([]byte, error) {
	if a != nil {
		a.mu.Lock()
		was := a.coming[e.Digest]
		delete(a.coming, e.Digest)
		a.mu.Unlock()
		if was != nil && was.started {
			<-was.done
			<-a.room
			return was.data, was.err
		}
	}
	return c.Append(ctx, nil, e.Digest, e.Size)
}

// close ends what is under way.
func (a *ahead) close() {
	if a != nil {
		a.stop()
		a.wg.Wait()
	}
}
