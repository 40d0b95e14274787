package service

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Health is what is asked of the product after its start.
type Health struct {
	Watch  time.Duration // how long
	Every  time.Duration // from one round of questions to the next
	Probes []Probe
}

// Baseline is how the probes stood before the product was stopped, and how far its
// logs were written.
type Baseline struct {
	Red   []error // by probe: nil where the answer was good
	marks []mark
}

// Look asks each probe once: the baseline. What is red now is not held against the
// update afterwards. A log probe has no baseline: its line is one that a start writes.
func (s *Service) Look(ctx context.Context, h *Health) Baseline {
	b := Baseline{Red: s.round(ctx, h, nil), marks: s.marks(h)}
	for i := range h.Probes {
		if h.Probes[i].Log != "" {
			b.Red[i] = nil
		}
	}
	return b
}

// marks notes how far the logs of the probes are written.
func (s *Service) marks(h *Health) []mark {
	out := make([]mark, len(h.Probes))
	for i := range h.Probes {
		out[i] = s.markOf(&h.Probes[i])
	}
	return out
}

// round asks all probes at once.
func (s *Service) round(ctx context.Context, h *Health, marks []mark) []error {
	out := make([]error, len(h.Probes))
	var wg sync.WaitGroup
	for i := range h.Probes {
		wg.Go(func() {
			var since mark
			if marks != nil {
				since = marks[i]
			}
			out[i] = s.check(ctx, &h.Probes[i], since)
		})
	}
	wg.Wait()
	return out
}

// UnhealthyError is a product that is not well after its start.
type UnhealthyError struct {
	What   string        // the probe, or the status command
	Reason string        // the last bad answer
	After  time.Duration // since the start
	Was    bool          // it had been well since the start
}

func (e *UnhealthyError) Error() string {
	if e.Was {
		return fmt.Sprintf("%s was well and failed %v after the start: %s", e.What, e.After.Round(time.Second/10), e.Reason)
	}
	return fmt.Sprintf("%s was not well %v after the start: %s", e.What, e.After.Round(time.Second/10), e.Reason)
}

// Stay watches the product from its start on, for the whole of h.Watch: a product that
// dies after half a minute is not well. It ends early, with an *UnhealthyError, where a
// probe that had been well stays red for more rounds than its retries, or where the product is
// said not to run any more. When the time is over each probe has to be well, but for
// those that were red before. tell, if set, is called after each round with the number of
// probes that are well. A context that ends makes the present round the last one.
func (s *Service) Stay(ctx context.Context, h *Health, before Baseline, tell func(well, of int)) error {
	w := watcher{s: s, h: h, before: before, start: time.Now(), well: make([]bool, len(h.Probes)), misses: make([]int, len(h.Probes))}
	for {
		begun := time.Now()
		last := ctx.Err() != nil || begun.Sub(w.start) >= h.Watch
		if err := w.once(last, tell); err != nil || last {
			return err
		}
		select {
		case <-time.After(min(max(0, h.Every-time.Since(begun)), max(0, h.Watch-time.Since(w.start)))):
		case <-ctx.Done():
		}
	}
}

type watcher struct {
	s      *Service
	h      *Health
	before Baseline
	start  time.Time
	well   []bool // has been, since the start
	misses []int  // bad answers in a row
	up     bool   // the status has said so, since the start
	downs  int    // times in a row it said the contrary
}

// maxDowns is how often in a row a product may be said not to run: a supervisor may be
// starting it again.
const maxDowns = 2

// once is one round; last says that no other one follows. Its questions are asked
// whatever becomes of the run's context: each has a time of its own.
func (w *watcher) once(last bool, tell func(well, of int)) error {
	ctx := context.Background()
	if err := w.running(ctx, last); err != nil {
		return err
	}
	well := 0
	var worst *UnhealthyError
	for i, bad := range w.s.round(ctx, w.h, w.before.marks) {
		p := &w.h.Probes[i]
		if bad == nil {
			well++
			w.well[i], w.misses[i] = true, 0
			continue
		}
		w.misses[i]++
		if i < len(w.before.Red) && w.before.Red[i] != nil {
			continue
		}
		if (last || w.well[i] && w.misses[i] > p.Retries) && worst == nil {
			worst = &UnhealthyError{What: p.String(), Reason: bad.Error(), After: time.Since(w.start), Was: w.well[i]}
		}
	}
	if tell != nil {
		tell(well, len(w.h.Probes))
	}
	if worst != nil {
		return worst
	}
	return nil
}

// running holds against the product that it is said not to run.
func (w *watcher) running(ctx context.Context, last bool) error {
	state, err := w.s.State(ctx)
	switch {
	case state == Up:
		w.up, w.downs = true, 0
		return nil
	case state == Down:
		w.downs++
	default:
		return nil // what cannot be asked proves nothing; the probes decide
	}
	if !last && w.downs <= maxDowns {
		return nil
	}
	reason := "it does not run"
	if err != nil {
		reason = err.Error()
	}
	return &UnhealthyError{What: "the product", Reason: reason, After: time.Since(w.start), Was: w.up}
}

// Reds names the probes that were red in the baseline, with what they said.
func (b Baseline) Reds(h *Health) []string {
	var out []string
	for i, bad := range b.Red {
		if bad != nil {
			out = append(out, h.Probes[i].String()+": "+bad.Error())
		}
	}
	return slices.Clip(out)
}
