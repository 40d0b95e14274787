package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"inplace/updater"
)

// renewedFlag is put in front by an updater that hands over to a newer one: --renewed JSON,
// a [handover]. It stands before what the launchers put in front.
const renewedFlag = "--renewed"

// handover is what the newer updater is told. Fields are only ever added: the two programs
// are of different versions.
type handover struct {
	Version  string            `json:"version"`            // of who hands over
	Program  string            `json:"program"`            // its file, for the installation is found by it
	Temp     bool              `json:"temp,omitempty"`     // this program lies in a directory of its own, to be removed
	Recovery *updater.Recovery `json:"recovery,omitempty"` // what was mended before
}

// takeOver takes the pair of a handover off args. nil: this program was not started so.
func takeOver(args []string) (h *handover, rest []string, err error) {
	if len(args) < 2 || args[0] != renewedFlag {
		return nil, args, nil
	}
	h = &handover{}
	if err := json.Unmarshal([]byte(args[1]), h); err != nil || h.Version == "" || h.Program == "" {
		return nil, args[2:], usage(renewedFlag+" is what one updater tells a newer one", "start the launcher in the bin of the installation")
	}
	return h, args[2:], nil
}

// handedOver ends a run that a newer updater has done, with its exit code.
type handedOver struct{ code int }

func (e *handedOver) Error() string {
	return fmt.Sprintf("handed over to a newer updater, which ended with %d", e.code)
}

// HandedOver marks the error for the engine.
func (e *handedOver) HandedOver() {}

// renewing says how this run is renewed.
func (r *run) renewing() updater.Renewing {
	out := updater.Renewing{Dir: r.cacheDir()}
	if updater.LiesIn(r.homeDir, out.Dir) { // looking writes nothing there
		out.Dir = ""
	}
	if h := r.handover; h != nil {
		out.By, out.Program, out.Mended = h.Version, h.Program, h.Recovery
		return out
	}
	if r.env.whole {
		out.Hand = r.handOver
	}
	return out
}

// handOver runs the newer updater with the command line as it was typed.
func (r *run) handOver(n *updater.Renewal) error {
	own, err := r.executable()
	if err != nil {
		return err
	}
	text, err := json.Marshal(handover{r.env.Version, own, n.Temp, n.Mended})
	if err != nil {
		return err
	}
	if n.Temp {
		sweepTemp(filepath.Dir(filepath.Dir(n.Program)), filepath.Dir(n.Program), r.env.Now())
	}
	r.reporter.report(updater.Event{Time: r.env.Now(), Phase: updater.PhaseMetadata, Kind: "note",
		Text: fmt.Sprintf("%v: updater %s, which the vendor has published, goes on with this run", n.Why, n.Version)})
	r.reporter.clear()
	code, err := execute(n.Program, r.env.Name, append([]string{renewedFlag, string(text)}, r.argv...), n.Unlock)
	if err != nil {
		return &updater.RenewError{Old: n.Why, Msg: "updater " + n.Version + " cannot be started", Err: err}
	}
	return &handedOver{code}
}

// sweepTemp removes what killed runs have left beside keep a day ago or before.
func sweepTemp(dir, keep string, now time.Time) {
	list, _ := os.ReadDir(dir)
	for _, e := range list {
		path := filepath.Join(dir, e.Name())
		info, err := e.Info()
		if err == nil && info.IsDir() && strings.HasPrefix(e.Name(), updater.TempUpdater) && path != keep && now.Sub(info.ModTime()) > 24*time.Hour {
			_ = os.RemoveAll(path)
		}
	}
}

// leave removes the directory that this program was put into only to be run, if it was.
// Where a running program cannot be removed, who started it does that.
func (h *handover) leave(self string) {
	if dir := filepath.Dir(self); h != nil && h.Temp && strings.HasPrefix(filepath.Base(dir), updater.TempUpdater) {
		_ = os.Remove(self)
		_ = os.Remove(dir)
	}
}

// judgeRenewal is about a newer updater that is needed and cannot be had.
func (r *run) judgeRenewal(e *updater.RenewError) verdict {
	v := verdict{exit: ExitFailed, state: stateUntouched}
	if errors.Is(e, fs.ErrPermission) {
		v.hints = []string{"its file system may be mounted noexec: name a directory where programs may be started with INPLACE_CACHE_DIR, for --dry-run; an update starts it below updates/"}
		return v
	}
	v.hints = []string{"ask the vendor for updater " + e.Old.Min + " for this platform; then run the same command again"}
	switch r.command {
	case cmdFetch:
		v.hints = append(v.hints, "or stop at a level that this updater can read: --to LEVEL")
	case cmdCheck, cmdAdopt:
	default:
		v.hints = append(v.hints, "or go to a level that this updater can read: --level N")
	}
	return v
}
