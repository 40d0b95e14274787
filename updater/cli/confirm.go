package cli

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"strings"

	"github.com/urfave/cli/v2"

	"inplace/updater"
)

// asks reports whether an update is to be confirmed: only where somebody sits at a
// terminal and has not said --yes. Without a terminal a run proceeds.
func (r *run) asks(c *cli.Context) bool {
	if c.Bool("yes") || r.json || r.quiet {
		return false
	}
	return isTerminal(r.env.Stdin) && isTerminal(r.env.Stdout) && isTerminal(r.env.Stderr)
}

// confirm shows the plan and asks whether to go on.
func (r *run) confirm(p *updater.Plan) (bool, error) {
	r.planText(p)
	ok, err := r.askWhether("Go ahead?")
	if !ok || err != nil || p.Irreversible == nil || r.oneWay {
		return ok, err
	}
	r.oneWayText(p)
	return r.askWhether("Pass the one-way door?")
}

// askWhether prints what has been said so far and asks a question. Anything but yes is no.
func (r *run) askWhether(question string) (bool, error) {
	r.reporter.clear()
	r.out.gap()
	if err := r.out.flush(r.resultsTo); err != nil {
		return false, err
	}
	fmt.Fprint(r.env.Stderr, question+" [y/N] ")
	in, ok := r.env.Stdin.(*os.File)
	if !ok {
		return false, nil
	}
	answer, err := await(r.ctx, func() (string, error) { return bufio.NewReader(in).ReadString('\n') })
	if err != nil && answer == "" { // end of input is no answer, and no error either
		return false, r.ctx.Err()
	}
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return true, nil
	}
	return false, nil
}

// await runs read, which nothing can interrupt, and gives up waiting for it when ctx
// ends: the run is over then, and the process with it.
func await[T any](ctx context.Context, read func() (T, error)) (T, error) {
	type answer struct {
		value T
		err   error
	}
	got := make(chan answer, 1)
	go func() {
		value, err := read()
		got <- answer{value, err}
	}()
	select {
	case a := <-got:
		return a.value, a.err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
