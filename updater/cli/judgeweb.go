package cli

import (
	"errors"
	"net/http"

	"inplace/manifest/repository/web"
	"inplace/updater"
	"inplace/updater/credentials"
)

// subscriptionHint says where a subscription is looked for.
const subscriptionHint = "show the token that the vendor gave you: inplace login ADDRESS; or set INPLACE_TOKEN, or name its file as subscription in updates/settings.yaml"

// judgeWeb is about a server that does not give what it was asked for, and about what it
// is to be asked with; ok is false for another error.
func judgeWeb(err error) (v verdict, ok bool) {
	v = verdict{exit: ExitFailed, state: stateUntouched}
	var status *web.StatusError
	var first *updater.FirstRootError
	var source *web.SourceError
	var proxy *web.ProxyError
	var subscription *updater.SubscriptionError
	switch {
	case errors.As(err, &proxy) && proxy.Err.Status != http.StatusProxyAuthRequired:
		v.hints = []string{"ask who runs the proxy of HTTPS_PROXY to let the source through, or name the source in NO_PROXY"}
	case errors.As(err, &subscription):
		v.exit, v.hints = ExitSubscription, []string{subscriptionHint}
		if subscription.Err != nil {
			v.hints = []string{"ask the vendor to extend it or for another one, then: inplace login ADDRESS; what you have: inplace subscription show"}
		}
	case errors.As(err, &status):
		switch {
		case status.Refused():
			v.exit, v.hints = ExitSubscription, []string{subscriptionHint}
		case status.Status == http.StatusProxyAuthRequired:
			v.hints = []string{"put user and password of the proxy into HTTPS_PROXY: http://USER:PASSWORD@HOST:PORT"}
		default:
			v.hints = []string{"try again later, or another source with --source"}
		}
	case errors.As(err, &first):
		v.exit, v.hints = ExitUsage, []string{"give what the vendor has announced: --root sha256:FINGERPRINT, or the file root.json"}
	case errors.As(err, &source):
		v.exit, v.hints = ExitUsage, []string{"give an address such as https://updates.example.com/product; http:// to other machines wants allow-http: true under transport in updates/settings.yaml"}
	case errors.Is(err, credentials.ErrOpen):
		v.exit, v.hints = ExitUsage, []string{"make it yours alone: chmod 600"}
	case errors.Is(err, credentials.ErrInside):
		v.exit, v.hints = ExitUsage, []string{"keep it elsewhere: a token-file or helper under transport in updates/settings.yaml, or INPLACE_TOKEN"}
	default:
		return v, false
	}
	return v, true
}
