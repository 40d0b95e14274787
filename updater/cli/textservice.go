package cli

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"inplace/manifest"
	"inplace/updater"
	"inplace/updater/mask"
	"inplace/updater/service"
)

// oneWayText says what cannot be undone, before anything else of a plan.
func (r *run) oneWayText(p *updater.Plan) {
	if p.Irreversible == nil {
		return
	}
	r.out.gap()
	reason := p.Irreversible.Reason
	if p.Behind {
		r.out.message(styled{red, "one-way:"}, fmt.Sprintf("%s could not be left again after %s: %s", p.From.Name(), p.Irreversible.After, reason))
		r.out.wrapped(0, "Going back puts the vendor's files back, and not what the product has made of its data since: what runs then may not work with them. Have a copy of the data from before.")
		return
	}
	r.out.message(styled{red, "one-way:"}, fmt.Sprintf("cannot be left again after %s: %s", p.Irreversible.After, reason))
	if p.Service != nil {
		r.out.wrapped(0, "Once the product is started, this run does not take itself back, whatever becomes of the product.")
	}
}

// argv is a command of the settings as it is shown: as words for a shell, without secrets.
func argv(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellQuote(w)
	}
	return clean(maskWords(strings.Join(quoted, " ")))
}

// maskWords masks what follows an option that is named like a secret.
func maskWords(text string) string {
	return strings.Join(mask.Args(strings.Split(text, " ")), " ")
}

// serviceLine says in one line what is done to the product.
func serviceLine(s *updater.ServicePlan) string {
	text := "stopped by " + argv(s.Stop) + ", started by " + argv(s.Start)
	if s.Watch > 0 {
		text += ", watched for " + span(s.Watch)
	}
	return text
}

// servicePlanText says how the product will be stopped and started.
func (r *run) servicePlanText(p *updater.Plan) {
	s := p.Service
	if s == nil || p.Empty() {
		return
	}
	r.out.gap()
	r.out.line("%s", styled{bold, "The product"})
	r.out.wrapped(2, "is stopped by: "+argv(s.Stop))
	r.out.wrapped(2, "is started by: "+argv(s.Start))
	switch {
	case s.Told:
		r.out.wrapped(2, "if it runs; one that does not run is left as it is")
	default:
		r.out.wrapped(2, "whether it runs now cannot be asked (no status, no pid-file): it is taken to run")
	}
	if s.Watch == 0 {
		r.out.wrapped(2, "is not watched afterwards")
		return
	}
	asked := append([]string(nil), s.Probes...)
	if s.Told {
		asked = append([]string{"that it runs"}, asked...)
	}
	for i := range asked {
		asked[i] = clean(maskWords(asked[i]))
	}
	r.out.wrapped(2, "is watched for "+span(s.Watch)+": "+strings.Join(asked, ", "))
	switch {
	case p.Action == "revert":
		r.out.wrapped(2, "if it is not well then, that is said, and nothing more")
	case !p.OneWayAhead():
		r.out.wrapped(2, "if it is not well then, everything is taken back, and it is started as it is now")
	}
}

// span is a time as the settings have it.
func span(d time.Duration) string {
	text := d.Round(100 * time.Millisecond).String()
	for _, tail := range []string{"m0s", "h0m"} {
		if strings.HasSuffix(text, tail) {
			text = strings.TrimSuffix(text, tail[1:])
		}
	}
	return text
}

// serviceText tells what was done to the product.
func (r *run) serviceText(o *updater.Outcome) {
	s := o.Service
	if s == nil {
		return
	}
	for _, p := range s.Skipped {
		r.out.message(styled{yellow, "warning:"}, "health: the probe "+clean(maskWords(p)))
	}
	switch {
	case s.Was == string(service.Down):
		r.out.wrapped(0, "The product was not running, and was not started.")
	case s.Watched > 0 && s.Watched < time.Second && s.Fault == "":
		r.out.wrapped(0, "The product was started, and is well.")
	case s.Watched > 0 && s.Fault == "":
		r.out.wrapped(0, "The product was started, and was well for "+span(s.Watched)+".")
	case s.Started && s.Fault == "":
		r.out.wrapped(0, "The product was started again.")
	}
}

// lastWords shows what the product, or one of its commands, has written last.
func (r *run) lastWords(err error) {
	var (
		unwell *updater.UnwellError
		failed *service.CommandError
		from   string
		lines  string
	)
	switch {
	case errors.As(err, &unwell):
		from, lines = unwell.From, unwell.Lines
	case errors.As(err, &failed):
		from, lines = argv(failed.Argv), failed.Output
	}
	if lines == "" {
		return
	}
	r.doc.LastLines = &lastLines{From: from, Text: r.maskText(lines)}
	r.out.gap()
	r.out.line("%s", styled{bold, "The last lines of " + manifest.Path(from).String()})
	for _, l := range strings.Split(r.maskText(lines), "\n") {
		r.out.line("  %s", strings.TrimSuffix(l, "\r"))
	}
}
