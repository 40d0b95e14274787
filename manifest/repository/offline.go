package repository

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Offline is a repository of which nothing is there but what was kept of it: the metadata
// that state has, and the manifests and inventories that keep was given (see
// [ClientOptions]). Signatures, dates and digests are checked as anywhere. read returns what
// keep was given as path, ok false where it was not; for anything else cause, why the source
// cannot be asked, is in the error.
func Offline(state *TrustState, read func(path string) (data []byte, ok bool), cause error) Transport {
	return &offline{state, read, cause}
}

type offline struct {
	state *TrustState
	read  func(string) ([]byte, bool)
	cause error
}

func (o *offline) Get(_ context.Context, path string, _ int64) (io.ReadCloser, error) {
	switch {
	case path == fileTimestamp && len(o.state.Timestamp) > 0:
		return io.NopCloser(bytes.NewReader(o.state.Timestamp)), nil
	case strings.HasPrefix(path, dirMetadata+"/"):
		return nil, &NotFoundError{path} // a client takes the rest from its state
	case kept(path):
		if data, ok := o.read(path); ok {
			return io.NopCloser(bytes.NewReader(data)), nil
		}
	}
	return nil, fmt.Errorf("%s: is not prepared, and the source cannot be asked: %w", path, o.cause)
}

func (o *offline) Close() error { return nil }

// kept reports whether path is a manifest or an inventory.
func kept(path string) bool {
	return strings.HasPrefix(path, dirTargets+"/") || strings.HasPrefix(path, dirInventories+"/")
}

// keeper is a transport that shows what it brings of manifests and inventories.
type keeper struct {
	Transport
	keep func(path string, data []byte)
}

func (k *keeper) Get(ctx context.Context, path string, limit int64) (io.ReadCloser, error) {
	r, err := k.Transport.Get(ctx, path, limit)
	if err != nil || !kept(path) {
		return r, err
	}
	data := bytes.NewBuffer(make([]byte, 0, min(lengthOf(r), limit)+bytes.MinRead))
	if _, err := data.ReadFrom(io.LimitReader(r, limit+1)); err != nil { // one too many shows that it is too long
		_ = r.Close()
		return nil, pathFirst(path, err)
	}
	k.keep(path, data.Bytes())
	return &shown{*bytes.NewReader(data.Bytes()), r}, nil
}

// shown is a file that was read already; its verdict goes on to where it is from.
type shown struct {
	bytes.Reader
	from io.ReadCloser
}

func (s *shown) Judge(right bool) {
	if j, ok := s.from.(Judged); ok {
		j.Judge(right)
	}
}

func (s *shown) Close() error { return s.from.Close() }

// Expires is when the first of the newest metadata seen is past its date, as far as channel
// depends on it; zero where nothing was seen of it.
func (t *TrustState) Expires(channel string) time.Time {
	var first time.Time
	docs := [][]byte{t.Timestamp, t.Snapshot, t.Targets, t.Roles[channel]}
	if n := len(t.Roots); n > 0 {
		docs = append(docs, t.Roots[n-1])
	}
	for _, data := range docs {
		var role struct {
			Signed struct {
				Expires time.Time `json:"expires"`
			} `json:"signed"`
		}
		if json.Unmarshal(data, &role) != nil {
			return time.Time{}
		}
		if at := role.Signed.Expires; first.IsZero() || at.Before(first) {
			first = at
		}
	}
	return first.UTC()
}
