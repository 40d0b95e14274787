package updater

import (
	"context"
	"sync"
	"sync/atomic"
)

// workers is how many files are read or staged at once.
const workers = 4

// inParallel calls fn for each of list from a few goroutines and returns the first
// error in the order of list.
func inParallel[T any](ctx context.Context, list []T, fn func(T) error) error {
	return inParallelBy(ctx, workers, list, fn)
}

// beside calls fn on a goroutine of its own. wait, which may be called again, waits for what
// comes of it.
func beside(fn func() error) (wait func() error) {
	var err error
	done := make(chan struct{})
	go func() { defer close(done); err = fn() }()
	return func() error { <-done; return err }
}

// indices are the places of list, for inParallel.
func indices[T any](list []T) []int {
	out := make([]int, len(list))
	for i := range out {
		out[i] = i
	}
	return out
}

// inParallelBy is inParallel by n at once.
func inParallelBy[T any](ctx context.Context, n int, list []T, fn func(T) error) error {
	errs := make([]error, len(list))
	var next atomic.Int64
	var failed atomic.Bool
	var wg sync.WaitGroup
	for range min(n, len(list)) {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= len(list) || failed.Load() {
					return
				}
				if errs[i] = cancelled(ctx); errs[i] == nil {
					errs[i] = fn(list[i])
				}
				if errs[i] != nil {
					failed.Store(true)
				}
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
