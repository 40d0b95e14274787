package updater

import (
	"bytes"
	"context"
	"io"
	"slices"
	"sync"

	"inplace/manifest/repository"
	"inplace/manifest/repository/bundle"
	"inplace/updater/archive"
)

// inHand is how long a piece may be, packed, to wait in memory for its turn; what is
// longer is read a second time, from the cache where it came over the network.
const inHand = 1 << 20

// write writes the bundle.
func (f *fetching) write(ctx context.Context) error {
	pieces, err := f.client.Metadata(ctx)
	if err != nil {
		return err
	}
	pieces = slices.Concat(pieces, f.manifests, f.pieces)
	var files int
	res, err := archive.Aside(ctx, f.out.Output, 0o644, func(out io.Writer) error {
		w := bundle.NewWriter(out)
		if err := f.fill(ctx, w, pieces); err != nil {
			return err
		}
		files = len(pieces)
		return w.Close(bundle.Index{Product: f.out.Product, Promise: repository.Promise{
			Channel: f.out.Channel, Levels: f.out.Levels, To: f.out.To.Level, Whole: f.out.Whole}})
	})
	f.out.Files, f.out.Bytes, f.out.Digest = files, res.Bytes, res.Digest
	return err
}

// fill adds the pieces in their order, while later ones are fetched.
func (f *fetching) fill(ctx context.Context, w *bundle.Writer, pieces []repository.Piece) error {
	ctx, cancel := context.WithCancelCause(ctx)
	var busy sync.WaitGroup
	defer busy.Wait()
	defer cancel(nil)
	waiting := make(chan *taken, fetchers)
	busy.Go(func() {
		defer close(waiting)
		for _, p := range pieces {
			t := &taken{piece: p, done: make(chan struct{})}
			select {
			case waiting <- t:
			case <-ctx.Done():
				return
			}
			busy.Go(func() {
				defer close(t.done)
				t.err = t.take(ctx, f.client)
			})
		}
	})
	var done int64
	for t := range waiting {
		<-t.done
		if t.err != nil {
			return t.err
		}
		err := w.Add(t.piece.Path, t.sum, func(to io.Writer) error {
			if t.data != nil {
				_, err := to.Write(t.data)
				return err
			}
			return f.client.Again(ctx, t.piece, to) // Add compares it with t.sum
		})
		if err != nil {
			return err
		}
		if t.piece.Data == nil {
			done += t.piece.Size
			f.event(PhaseFetch, "progress", done, f.total)
		}
	}
	return cancelled(ctx)
}

// taken is a piece that was fetched and found right.
type taken struct {
	piece repository.Piece
	sum   bundle.Sum
	data  []byte // nil: too long to keep
	err   error
	done  chan struct{}
}

func (t *taken) take(ctx context.Context, c *repository.Client) error {
	if t.data = t.piece.Data; t.data != nil {
		_, _ = t.sum.Write(t.data)
		return nil
	}
	var kept bytes.Buffer
	err := c.Take(ctx, t.piece, io.MultiWriter(&t.sum, &most{&kept, inHand}))
	if err == nil && t.sum.Size <= inHand {
		t.data = kept.Bytes()
	}
	return err
}

// most keeps the first n bytes.
type most struct {
	to *bytes.Buffer
	n  int
}

func (m *most) Write(p []byte) (int, error) {
	m.to.Write(p[:min(len(p), m.n-m.to.Len())])
	return len(p), nil
}
