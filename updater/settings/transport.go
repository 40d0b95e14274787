package settings

import (
	"fmt"
	"reflect"
	"strings"
)

// Transport says how a source over the network is reached. It names where secrets lie and
// holds none.
type Transport struct {
	AllowHTTP bool     // take http:// from other machines too
	CA        string   // file of certificates to trust besides the system's
	Cert      string   // file of this client's certificate; with Key
	Key       string   // file of its private key
	TokenFile string   // file that holds a token
	Helper    []string // program that prints what to log in with
	Netrc     string   // file in the form of .netrc
}

type documentTransport struct {
	AllowHTTP bool     `yaml:"allow-http"`
	CA        string   `yaml:"ca"`
	Cert      string   `yaml:"cert"`
	Key       string   `yaml:"key"`
	TokenFile string   `yaml:"token-file"`
	Helper    []string `yaml:"helper"`
	Netrc     string   `yaml:"netrc"`
}

// transportFile is a key of transport that names a file.
type transportFile struct{ key, value string }

func (t *Transport) files() []transportFile {
	return []transportFile{{"ca", t.CA}, {"cert", t.Cert}, {"key", t.Key}, {"token-file", t.TokenFile}, {"netrc", t.Netrc}}
}

func (d *documentTransport) transport(found *[]fault) Transport {
	t := Transport(*d)
	for _, f := range t.files() {
		if f.value != "" && !absolute(f.value) {
			*found = append(*found, fault{"transport." + f.key, fmt.Sprintf("want an absolute path, got %q", f.value)})
		}
	}
	if (t.Cert == "") != (t.Key == "") {
		*found = append(*found, fault{"transport", "want cert and key together"})
	}
	checkCommand("transport.helper", t.Helper, found)
	return t
}

func (w *writer) transport(t Transport) {
	if reflect.DeepEqual(t, Transport{}) {
		w.text("#transport: {ca: /etc/ssl/vendor-ca.pem, token-file: /etc/product/token}\n")
		return
	}
	var items []string
	if t.AllowHTTP {
		items = append(items, "allow-http: true")
	}
	for _, f := range t.files() {
		if f.value != "" {
			items = append(items, f.key+": "+w.quote(quoted, f.value))
		}
	}
	if len(t.Helper) > 0 {
		items = append(items, "helper: "+w.words(t.Helper))
	}
	w.text("transport: {" + strings.Join(items, ", ") + "}\n")
}
