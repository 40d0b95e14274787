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

// Baseline is how each probe stood before the product was stopped, in their order. It can
// be kept as JSON, for a program that goes on with the watch of one that was killed.
type Baseline []Before

// Before is how one probe stood.
type Before struct {
	Probe string `json:"probe"`          // as String names it
	Skip  string `json:"skip,omitempty"` // why its answer is not held against the product; "": it is
	Log   Mark   `json:"log"`            // of a log probe: how far the log was written
}

// of is what is known of the i-th probe p; nothing, if the settings have changed since.
func (b Baseline) of(i int, p *Probe) Before {
	if i < len(b) && b[i].Probe == p.String() {
		return b[i]
	}
	return Before{}
}

// Look asks each probe once: the baseline. What is red now is not held against the
// update afterwards. A log probe has no baseline: its line is one that a start writes.
func (s *Service) Look(ctx context.Context, h *Health) Baseline {
	out := make(Baseline, len(h.Probes))
	for i, bad := range s.round(ctx, h, nil) {
		p := &h.Probes[i]
		out[i] = Before{Probe: p.String(), Log: s.markOf(p)}
		if bad != nil && p.Log == "" {
			out[i].Skip = "was not well before either: " + bad.Error()
		}
	}
	return out
}

// maxLie is how long an answer of a stopped product is waited for.
const maxLie = 2 * time.Second

// Unmask asks the probes of a product that stands still. One that is well now would be well
// whatever the product does (it is answered from a cache, or by something else), so that its answer is
// not counted later. Where the product is only believed to stand still (sure is false) it
// gets maxLie to end. The marks of the logs are taken anew.
func (s *Service) Unmask(ctx context.Context, h *Health, before Baseline, sure bool) {
	quick := *h
	quick.Probes = slices.Clone(h.Probes)
	for i := range quick.Probes {
		quick.Probes[i].Timeout = min(quick.Probes[i].Timeout, maxLie)
	}
	for begun := time.Now(); ; time.Sleep(every) {
		var lies []int
		for i, bad := range s.round(ctx, &quick, nil) {
			if bad == nil && h.Probes[i].Log == "" && before[i].Skip == "" {
				lies = append(lies, i)
			}
		}
		if len(lies) > 0 && !sure && time.Since(begun) < maxLie {
			continue
		}
		for _, i := range lies {
			before[i].Skip = "is well although the product is stopped, so it says nothing of it"
		}
		break
	}
	for i := range h.Probes {
		before[i].Log = s.markOf(&h.Probes[i])
	}
}

// Judges reports whether anything is left that tells whether the product is well.
func (s *Service) Judges(h *Health, before Baseline) bool {
	return len(s.Status) > 0 || s.PIDFile != "" ||
		slices.ContainsFunc(before, func(b Before) bool { return b.Skip == "" }) && len(h.Probes) > 0
}

// Skipped names the probes that are not held against the product, and why.
func (b Baseline) Skipped() []string {
	var out []string
	for _, p := range b {
		if p.Skip != "" {
			out = append(out, p.Probe+" "+p.Skip)
		}
	}
	return out
}

// round asks all probes at once.
func (s *Service) round(ctx context.Context, h *Health, before Baseline) []error {
	out := make([]error, len(h.Probes))
	var wg sync.WaitGroup
	for i := range h.Probes {
		wg.Go(func() {
			out[i] = s.check(ctx, &h.Probes[i], before.of(i, &h.Probes[i]).Log)
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
	return s.watch(ctx, h, before, tell, false)
}

// Come is Stay that ends well as soon as all is: each probe in one round, and the product is not
// said to be down.
func (s *Service) Come(ctx context.Context, h *Health, before Baseline, tell func(well, of int)) error {
	return s.watch(ctx, h, before, tell, true)
}

func (s *Service) watch(ctx context.Context, h *Health, before Baseline, tell func(well, of int), once bool) error {
	w := watcher{s: s, h: h, before: before, start: time.Now(), well: make([]bool, len(h.Probes)), misses: make([]int, len(h.Probes))}
	for {
		begun := time.Now()
		last := ctx.Err() != nil || begun.Sub(w.start) >= h.Watch
		if err := w.once(last, tell); err != nil || last || once && w.allWell {
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

	allWell bool // in the latest round, but for what is not held against the product
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
	w.allWell = w.downs == 0
	var worst *UnhealthyError
	for i, bad := range w.s.round(ctx, w.h, w.before) {
		p := &w.h.Probes[i]
		if bad == nil {
			well++
			w.well[i], w.misses[i] = true, 0
			continue
		}
		w.misses[i]++
		if w.before.of(i, p).Skip != "" {
			continue
		}
		w.allWell = false
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
