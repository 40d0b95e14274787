package updater

import (
	"iter"
	"slices"
	"time"
)

// Forecast is how long an update will take to exchange files.
type Forecast struct {
	MS   int64 `json:"ms"`   // at least 1
	Runs int   `json:"runs"` // earlier runs here that it goes by; 0: by the number of paths alone
}

// Duration is the forecast as a duration.
func (f Forecast) Duration() time.Duration { return time.Duration(f.MS) * time.Millisecond }

// What an exchange takes where nothing is known of the machine: contents are durable
// before it begins, so that it is a rename for each path and a few waits for the disk,
// which together cost as much as some hundred renames.
const (
	renameTime  = 100 * time.Microsecond
	fixedPaths  = 300
	forecastBy  = 3 // earlier runs
	forecastAge = 50
)

// forecast goes by what the last runs took here, of a history that begins with its newest
// entry, each in proportion to the paths that it changed and its fixed part: the middle one
// of these. A run that tells nothing of its window, or failed, does not count.
func forecast(history iter.Seq[HistoryEntry], paths int) *Forecast {
	if paths == 0 {
		return nil
	}
	size := func(n int) float64 { return float64(n + fixedPaths) }
	var took []float64
	seen := 0
	for e := range history {
		if seen++; len(took) == forecastBy || seen > forecastAge {
			break
		}
		if e.Result == "done" && e.WindowMS > 0 && e.Changed > 0 {
			took = append(took, float64(e.WindowMS)*size(paths)/size(e.Changed))
		}
	}
	if len(took) == 0 {
		return &Forecast{MS: max(1, int64(size(paths)*renameTime.Seconds()*1000))}
	}
	slices.Sort(took)
	return &Forecast{MS: max(1, int64(took[len(took)/2])), Runs: len(took)}
}
