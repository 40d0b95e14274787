package settings

import (
	"errors"
	"fmt"
	"slices"

	"inplace/manifest"
	"inplace/manifest/strictyaml"
)

// document is the file as it stands; the texts are checked and converted afterwards.
type document struct {
	Schema       string            `yaml:"schema" strict:"required"`
	Source       string            `yaml:"source"`
	Subscription string            `yaml:"subscription"`
	Transport    documentTransport `yaml:"transport"`
	Channel      string            `yaml:"channel"`
	Launcher     string            `yaml:"launcher"`
	Follow       []string          `yaml:"follow"`
	Absent       []string          `yaml:"absent"`
	Policy       []documentPolicy  `yaml:"policy"`
	Pins         []string          `yaml:"pins"`
	Service      documentService   `yaml:"service"`
	Health       documentHealth    `yaml:"health"`
	Backup       documentBackup    `yaml:"backup"`
}

type documentPolicy struct {
	Path       string `yaml:"path" strict:"required"`
	Key        string `yaml:"key"`
	OnConflict string `yaml:"on-conflict" strict:"required"`
}

type documentBackup struct {
	Keep    int    `yaml:"keep"`
	MaxAge  string `yaml:"max-age"`
	MaxSize string `yaml:"max-size"`
	Data    string `yaml:"data"`
	Also    string `yaml:"also"`
}

// defaults is the document of Default: what is decoded over it may leave keys out.
func defaults() document {
	d := Default()
	return document{
		Channel:  d.Channel,
		Launcher: d.Launcher,
		Backup: documentBackup{
			Keep:    d.Backup.Keep,
			MaxAge:  FormatAge(d.Backup.MaxAge),
			MaxSize: FormatSize(d.Backup.MaxSize),
			Data:    string(d.Backup.Data),
		},
	}
}

// Parse reads a settings file; name heads the faults, which come back all at once as
// strictyaml.Errors.
func Parse(name string, data []byte) (*Settings, error) {
	doc, err := strictyaml.Parse(name, data, MaxBytes)
	if err != nil {
		return nil, err
	}
	raw := defaults()
	var faults strictyaml.Errors
	if err := doc.Decode(&raw); err != nil && !errors.As(err, &faults) {
		return nil, err
	}
	s, found := raw.settings()
	if raw.Schema != Schema {
		found = append(found, fault{"schema", fmt.Sprintf("want %s, got %q", Schema, raw.Schema)})
	}
	for _, f := range append(found, s.faults()...) {
		e := doc.Fault(f.path, "%s", f.msg)
		// A value of the wrong type has been reported at its place already.
		if !slices.ContainsFunc(faults, func(o *strictyaml.Error) bool { return o.Line == e.Line && o.Col == e.Col }) {
			faults = append(faults, e)
		}
	}
	if err := faults.Err(); err != nil {
		return nil, err
	}
	return s, nil
}

// settings converts the document; the settings are complete even where faults are
// found.
func (d *document) settings() (*Settings, []fault) {
	s := &Settings{
		Source:   d.Source,
		Channel:  d.Channel,
		Launcher: d.Launcher,
		Absent:   d.Absent,
		Backup:   Backup{Keep: d.Backup.Keep, Data: DataCopy(d.Backup.Data), Also: d.Backup.Also},
	}
	var found []fault
	for _, p := range d.Follow {
		s.Follow = append(s.Follow, manifest.Path(p))
	}
	for _, p := range d.Policy {
		s.Policy = append(s.Policy, Policy{Path: p.Path, Key: p.Key, OnConflict: OnConflict(p.OnConflict)})
	}
	for i, text := range d.Pins {
		pin, err := parsePin(text)
		if err != nil {
			found = append(found, fault{strictyaml.Index("pins", i), err.Error()})
		}
		s.Pins = append(s.Pins, pin)
	}
	if s.Subscription = d.Subscription; s.Subscription != "" && !absolute(s.Subscription) {
		found = append(found, fault{"subscription", fmt.Sprintf("want an absolute path, got %q", s.Subscription)})
	}
	s.Transport = d.Transport.transport(&found)
	s.Service, s.Health = d.Service.service(&found), d.Health.health(&found)
	var err error
	if s.Backup.MaxAge, err = ParseAge(d.Backup.MaxAge); err != nil {
		found = append(found, fault{"backup.max-age", err.Error()})
	}
	if s.Backup.MaxSize, err = ParseSize(d.Backup.MaxSize); err != nil {
		found = append(found, fault{"backup.max-size", err.Error()})
	}
	return s, found
}
