package settings

import (
	"fmt"
	"net"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"inplace/manifest/strictyaml"
)

// Service says how the product is stopped, started and asked whether it runs. Each
// command is a list of words, never a line for a shell.
type Service struct {
	Stop, Start, Status []string
	PIDFile             string        // absolute, or relative to the installation
	Timeout             time.Duration // of each command and of the wait for its effect
}

// Health says how to see that the product is well after its start.
type Health struct {
	Watch  time.Duration // how long to look
	Every  time.Duration // from one round to the next
	Probes []Probe
}

// Probe is one question; exactly one of HTTP, TCP, Log and Command is set.
type Probe struct {
	HTTP    string
	Status  int
	Body    string // regular expression, "": any
	TCP     string // HOST:PORT
	Log     string // absolute, or relative to the installation
	Match   string // regular expression, of Log
	Command []string
	Timeout time.Duration
	Retries int // bad answers in a row that are forgiven after a good one
}

type documentService struct {
	Stop    []string `yaml:"stop"`
	Start   []string `yaml:"start"`
	Status  []string `yaml:"status"`
	PIDFile string   `yaml:"pid-file"`
	Timeout string   `yaml:"timeout"`
}

type documentHealth struct {
	Watch  string          `yaml:"watch"`
	Every  string          `yaml:"every"`
	Probes []documentProbe `yaml:"probes"`
}

type documentProbe struct {
	HTTP    string   `yaml:"http"`
	Status  int      `yaml:"status"`
	Body    string   `yaml:"body"`
	TCP     string   `yaml:"tcp"`
	Log     string   `yaml:"log"`
	Match   string   `yaml:"match"`
	Command []string `yaml:"command"`
	Timeout string   `yaml:"timeout"`
	Retries *int     `yaml:"retries"`
}

// What holds where the file says nothing.
const (
	defaultServiceTimeout = 60 * time.Second
	defaultWatch          = 120 * time.Second
	defaultEvery          = 5 * time.Second
	defaultProbeTimeout   = 5 * time.Second
	defaultRetries        = 2
)

// duration reads one span of time that must be there and be above 0.
func duration(text string, byDefault time.Duration, path string, found *[]fault) time.Duration {
	if text == "" {
		return byDefault
	}
	d, err := ParseAge(text)
	if err == nil && d == 0 {
		err = fmt.Errorf("want a time above 0, got %q", text)
	}
	if err != nil {
		*found = append(*found, fault{path, err.Error()})
		return byDefault
	}
	return d
}

func (d *documentService) service(found *[]fault) Service {
	s := Service{Stop: d.Stop, Start: d.Start, Status: d.Status, PIDFile: d.PIDFile, Timeout: duration(d.Timeout, defaultServiceTimeout, "service.timeout", found)}
	for _, c := range []struct {
		name string
		argv []string
	}{{"stop", s.Stop}, {"start", s.Start}, {"status", s.Status}} {
		checkCommand("service."+c.name, c.argv, found)
	}
	if len(s.Stop) > 0 && len(s.Start) == 0 {
		*found = append(*found, fault{"service", "want start as well, where there is a stop: what was stopped has to be started again"})
	}
	if len(s.Start) > 0 && len(s.Stop) == 0 {
		*found = append(*found, fault{"service", "want stop as well, where there is a start"})
	}
	return s
}

func checkCommand(path string, argv []string, found *[]fault) {
	if len(argv) > 0 && argv[0] == "" {
		*found = append(*found, fault{path, "want a program as the first word, got none"})
	}
}

func (d *documentHealth) health(found *[]fault) Health {
	h := Health{Watch: duration(d.Watch, defaultWatch, "health.watch", found), Every: duration(d.Every, defaultEvery, "health.every", found)}
	for i := range d.Probes {
		h.Probes = append(h.Probes, d.Probes[i].probe(strictyaml.Index("health.probes", i), found))
	}
	return h
}

func (d *documentProbe) probe(path string, found *[]fault) Probe {
	add := func(key, format string, args ...any) {
		*found = append(*found, fault{path + key, fmt.Sprintf(format, args...)})
	}
	p := Probe{HTTP: d.HTTP, Status: d.Status, Body: d.Body, TCP: d.TCP, Log: d.Log, Match: d.Match, Command: d.Command, Retries: defaultRetries,
		Timeout: duration(d.Timeout, defaultProbeTimeout, path+".timeout", found)}
	if d.Retries != nil {
		p.Retries = *d.Retries
	}
	if p.Retries < 0 {
		add(".retries", "want 0 at least, got %d", p.Retries)
	}
	kinds := 0
	for _, set := range []bool{p.HTTP != "", p.TCP != "", p.Log != "", len(p.Command) > 0} {
		if set {
			kinds++
		}
	}
	if kinds != 1 {
		add("", "want exactly one of http, tcp, log and command, got %d", kinds)
	}
	if p.HTTP == "" && (p.Status != 0 || p.Body != "") {
		add("", "want status and body only with http")
	}
	if (p.Log == "") != (p.Match == "") {
		add("", "want log and match together")
	}
	if p.HTTP != "" {
		p.httpFaults(add)
	}
	if p.TCP != "" {
		if err := checkHostPort(p.TCP); err != nil {
			add(".tcp", "%v", err)
		}
	}
	for _, c := range [][2]string{{".body", p.Body}, {".match", p.Match}} {
		if _, err := regexp.Compile(c[1]); err != nil {
			add(c[0], "want a regular expression: %v", err)
		}
	}
	checkCommand(path+".command", p.Command, found)
	return p
}

func (p *Probe) httpFaults(add func(key, format string, args ...any)) {
	if u, err := url.Parse(p.HTTP); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		add(".http", "want an address with http or https")
	}
	if p.Status == 0 {
		p.Status = 200
	}
	if p.Status < 100 || p.Status > 599 {
		add(".status", "want a status from 100 to 599, got %d", p.Status)
	}
}

func checkHostPort(s string) error {
	_, port, err := net.SplitHostPort(s)
	if n, e := strconv.Atoi(port); err != nil || e != nil || n < 1 || n > 65535 {
		return fmt.Errorf("want HOST:PORT, got %q", s)
	}
	return nil
}
