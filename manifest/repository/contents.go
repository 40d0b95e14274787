package repository

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"

	"github.com/klauspost/compress/zstd"

	"inplace/backup/fsys"
	"inplace/manifest"
)

const (
	readWorkers = 2       // hashing and compressing are bound by the processor
	syncWorkers = 8       // waiting for the disk is not
	headBytes   = 8 << 10 // of each file, to recognise configuration by
	copyBytes   = 256 << 10
)

// meter counts bytes for a progress display; safe for several goroutines.
type meter struct {
	mu          sync.Mutex
	done, total int64
	report      func(done, total int64)
}

func (m *meter) grow(n int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.total += n
}

func (m *meter) add(n int64) {
	if m.report == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.done += n
	m.report(m.done, m.total)
}

// each calls fn for 0 to n-1 on workers goroutines, until one fails. Worker w of fn
// is 0 to workers-1.
func each(ctx context.Context, workers, n int, fn func(ctx context.Context, w, i int) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan int)
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range next {
				if err := fn(ctx, w, i); err != nil {
					cancel(err)
				}
			}
		})
	}
	for i := 0; i < n && ctx.Err() == nil; i++ {
		select {
		case next <- i:
		case <-ctx.Done():
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// hashFiles fills in the digests of the files in entries. look, unless nil, is shown
// the first bytes of each; it is called by several goroutines.
func hashFiles(ctx context.Context, tree *fsys.Tree, entries []manifest.Entry, m *meter, look func(i int, head []byte)) error {
	files := make([]int, 0, len(entries))
	for i := range entries {
		if entries[i].Kind == manifest.File {
			files = append(files, i)
			m.grow(entries[i].Size)
		}
	}
	var buffers [readWorkers][]byte
	for w := range buffers {
		buffers[w] = make([]byte, copyBytes)
	}
	return each(ctx, readWorkers, len(files), func(ctx context.Context, w, i int) error {
		e := &entries[files[i]]
		h := sha256.New()
		first := true
		err := readFile(ctx, tree, e, buffers[w], m, func(chunk []byte) error {
			if first && look != nil {
				look(files[i], chunk[:min(len(chunk), headBytes)])
			}
			first = false
			h.Write(chunk)
			return nil
		})
		if err == nil && first && look != nil {
			look(files[i], nil)
		}
		e.Digest = manifest.Digest(h.Sum(nil))
		return err
	})
}

// readFile passes the file of e to fn in pieces of buf. A file whose size is not the
// one in e any more is an error: what is released must have stood still.
func readFile(ctx context.Context, tree *fsys.Tree, e *manifest.Entry, buf []byte, m *meter, fn func([]byte) error) error {
	f, err := tree.Open(string(e.Path))
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	var total int64
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		n, err := io.ReadFull(f, buf)
		total += int64(n)
		if n > 0 {
			if err := fn(buf[:n]); err != nil {
				return err
			}
			m.add(int64(n))
		}
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			break
		}
		if err != nil {
			return pathFirst(e.Path.String(), err)
		}
		if total > e.Size {
			break
		}
	}
	if total != e.Size {
		return changed(e)
	}
	return nil
}

func changed(e *manifest.Entry) error {
	return fmt.Errorf("%s: changed while it was read", e.Path)
}

// stored says what storing contents has cost.
type stored struct {
	blobs int
	bytes int64 // compressed
}

// storeBlobs compresses every content of v that s does not hold yet into
// blobs/, and returns when all of them are durable.
func storeBlobs(ctx context.Context, s *store, tree *fsys.Tree, v *manifest.Inventory, m *meter) (stored, error) {
	missing, dirs, err := missingBlobs(s, v)
	if err != nil || len(missing) == 0 {
		return stored{}, err
	}
	if err := makeDirs(s, dirs); err != nil {
		return stored{}, err
	}
	for _, e := range missing {
		m.grow(e.Size)
	}
	var (
		mu    sync.Mutex
		out   stored
		packs [readWorkers]*packer
		slots = make(chan struct{}, syncWorkers)
		syncs sync.WaitGroup
		fail  error
	)
	for w := range packs {
		if packs[w], err = newPacker(windowBytes); err != nil {
			return stored{}, err
		}
	}
	err = each(ctx, readWorkers, len(missing), func(ctx context.Context, w, i int) error {
		f, temp, err := s.tempFile()
		if err != nil {
			return err
		}
		n, err := packs[w].pack(ctx, f, tree, &missing[i], m)
		if err != nil {
			_ = f.Close()
			return err
		}
		slots <- struct{}{}
		syncs.Go(func() {
			defer func() { <-slots }()
			err := s.settle(f, temp, blobPath(missing[i].Digest))
			mu.Lock()
			defer mu.Unlock()
			if err != nil && fail == nil {
				fail = err
			}
			out.blobs++
			out.bytes += n
		})
		mu.Lock()
		defer mu.Unlock()
		return fail
	})
	syncs.Wait()
	if err == nil {
		err = fail
	}
	if err == nil {
		err = each(ctx, syncWorkers, len(dirs), func(_ context.Context, _, i int) error { return s.syncDir(dirs[i]) })
	}
	return out, err
}

// makeDirs makes the directories of blobs/ that are missing, with one sync for all.
func makeDirs(s *store, dirs []string) error {
	if err := s.tree.MkdirAll(dirBlobs, 0o755); err != nil {
		return err
	}
	blobs, err := s.tree.OpenDir(dirBlobs)
	if err != nil {
		return err
	}
	defer blobs.Close()
	for _, dir := range dirs {
		if err := blobs.Mkdir(manifest.Path(dir).Base(), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return blobs.Sync()
}

// missingBlobs returns one entry for each content that s lacks, by digest, and the
// directories they go to.
func missingBlobs(s *store, v *manifest.Inventory) (missing []manifest.Entry, dirs []string, err error) {
	type content struct {
		digest manifest.Digest
		entry  uint32
	}
	var files []content
	for i, e := range v.All() {
		if e.Kind == manifest.File {
			files = append(files, content{e.Digest, uint32(i)})
		}
	}
	slices.SortFunc(files, func(a, b content) int { return bytes.Compare(a.digest[:], b.digest[:]) })
	files = slices.CompactFunc(files, func(a, b content) bool { return a.digest == b.digest })
	for _, f := range files {
		e := v.At(int(f.entry))
		path := blobPath(e.Digest)
		ok, err := s.has(path)
		if err != nil {
			return nil, nil, err
		}
		if !ok {
			missing = append(missing, e)
			dirs = append(dirs, string(manifest.Path(path).Parent()))
		}
	}
	return missing, slices.Compact(dirs), nil
}

// packer compresses one content after the other; the same content gives the same
// bytes each time.
type packer struct {
	enc *zstd.Encoder
	buf []byte
}

func newPacker(window int) (*packer, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1),
		zstd.WithEncoderLevel(zstd.SpeedDefault), zstd.WithWindowSize(window),
		zstd.WithZeroFrames(true)) // an empty content is a frame too, not an empty file
	if err != nil {
		return nil, err
	}
	return &packer{enc: enc, buf: make([]byte, copyBytes)}, nil
}

// pack writes the compressed content of e to f and returns its length. Other bytes
// than e's digest says are an error.
func (p *packer) pack(ctx context.Context, f *os.File, tree *fsys.Tree, e *manifest.Entry, m *meter) (int64, error) {
	out := &counter{w: f}
	p.enc.ResetContentSize(out, e.Size)
	h := sha256.New()
	err := readFile(ctx, tree, e, p.buf, m, func(chunk []byte) error {
		h.Write(chunk)
		_, err := p.enc.Write(chunk)
		return err
	})
	if err != nil {
		return 0, err
	}
	if err := p.enc.Close(); err != nil {
		return 0, pathFirst(blobPath(e.Digest), err)
	}
	if manifest.Digest(h.Sum(nil)) != e.Digest {
		return 0, changed(e)
	}
	return out.n, nil
}

// packBytes compresses an inventory as pack does a file, in a window that costs its
// readers little memory.
func packBytes(data []byte) ([]byte, error) {
	p, err := newPacker(inventoryWindow)
	if err != nil {
		return nil, err
	}
	return p.enc.EncodeAll(data, nil), nil
}

type counter struct {
	w io.Writer
	n int64
}

func (c *counter) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}
