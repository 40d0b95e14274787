package cli

import (
	"errors"

	"inplace/updater"
)

// judgeUnwell is about a product that was not well after its start.
func (r *run) judgeUnwell(e *updater.UnwellError) verdict {
	v := verdict{exit: ExitUnwell}
	see := "what its commands printed is in updates/logs/service.log"
	switch {
	case e.Back && e.Restart == nil:
		v.state = "It was taken back: the installation is as it was before, and the product was started again."
		v.hints = []string{see, "once the cause is known, run the same command again; without the watch: --no-health"}
	case e.Back:
		v.state = "It was taken back: the installation is as it was before, but the product did not come up again."
		v.hints = []string{see, "the files are those that ran before: look for a cause outside them, then start the product by hand"}
	default:
		v.state = "The change is complete and was not taken back."
		v.hints = []string{see, "put right what the product complains of, then start it by hand"}
		if !r.reverting {
			v.hints = append(v.hints, "it led through a one-way door, so ask the vendor before you go back")
		}
	}
	return v
}

// judgeService adds what has to be known of a product that a failed run, or one before it,
// could not stop, or has stopped and could not start again. Commands may hold secrets.
func (r *run) judgeService(err error, v *verdict) {
	var unwell *updater.UnwellError
	var failed *updater.ServiceError
	switch {
	case errors.As(err, &unwell):
		v.text = maskWords(v.text)
		return
	case !errors.As(err, &failed):
		return
	}
	v.text = maskWords(v.text)
	v.hints = append(v.hints, "what its commands printed is in updates/logs/service.log")
	if failed.Doing == "start" || errors.As(err, new(*updater.RestartError)) {
		v.hints = append(v.hints, "the product stands still: start it by hand")
	}
}
