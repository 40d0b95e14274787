package updater

import (
	"context"
	"fmt"
	"time"

	"inplace/manifest"
	"inplace/updater/conflict"
)

// Remembered is a resolution that is kept for the next time, without its contents.
type Remembered struct {
	ID    string        `json:"id"`
	Path  manifest.Path `json:"path"`
	Key   string        `json:"key,omitempty"`
	Whole bool          `json:"whole"`
	Take  string        `json:"take,omitempty"` // ours or theirs, of a path decided as a whole; "": a text
	Bytes int           `json:"bytes"`          // of the text
	By    string        `json:"by"`
	At    time.Time     `json:"at"`
	Why   string        `json:"why,omitempty"`
}

// Resolutions is what `resolve` tells about what is remembered.
type Resolutions struct {
	Product string       `json:"product"`
	List    []Remembered `json:"list"`    // those that are there, or that it was about
	Faults  []string     `json:"faults"`  // those that cannot be believed, and are not used
	New     int          `json:"new"`     // of an import: that were not there before
	Changed int          `json:"changed"` // of an import: that decided otherwise before
}

func rememberedOf(list []conflict.Resolution) []Remembered {
	out := []Remembered{}
	for _, r := range list {
		out = append(out, Remembered{string(r.ID), manifest.Path(r.Path), r.Key, r.Whole, string(r.Take), len(r.Text), r.By, r.At, r.Why})
	}
	return out
}

// kept reads what is remembered.
func (u *Updater) kept() (v *Resolutions, list []conflict.Resolution, err error) {
	in, err := readRecord(u.tree)
	if err != nil {
		return nil, nil, err
	}
	list, faults, err := conflict.List(u.tree)
	if err != nil {
		return nil, nil, err
	}
	v = &Resolutions{Product: in.Product, List: rememberedOf(list), Faults: []string{}}
	for _, f := range faults {
		v.Faults = append(v.Faults, f.Error())
	}
	return v, list, nil
}

// Remembered lists the resolutions that are kept.
func (u *Updater) Remembered() (*Resolutions, error) {
	v, _, err := u.kept()
	return v, err
}

// Export is the file that carries what is remembered to other installations of the
// product. It holds the decided texts, secrets in them too.
func (u *Updater) Export() (*Resolutions, []byte, error) {
	v, list, err := u.kept()
	if err != nil {
		return nil, nil, err
	}
	data, err := conflict.Export(v.Product, list)
	return v, data, err
}

// Import remembers what Export wrote; name heads the faults. Nothing of a file with a
// fault is taken, nor of one for another product: errors.Is(err, [conflict.ErrForeign]).
// Where both decided, the later decision counts.
func (u *Updater) Import(ctx context.Context, name string, data []byte) (*Resolutions, error) {
	var v *Resolutions
	_, _, err := u.underLock(ctx, func(in *record) error {
		list, err := conflict.Import(name, in.Product, data)
		if err != nil {
			return err
		}
		v = &Resolutions{Product: in.Product, List: rememberedOf(list), Faults: []string{}}
		for i := range list {
			r := &list[i]
			old, err := conflict.Get(u.tree, r.ID)
			switch {
			case err == nil && old != nil && (old.Same(r) || old.At.After(r.At)):
				continue
			case err == nil && old != nil:
				v.Changed++
			default:
				v.New++
			}
			if err := conflict.Put(u.tree, r); err != nil {
				return err
			}
		}
		return nil
	})
	return v, err
}

// Forget removes what is remembered of a path, or the resolution of an ID; "" is
// everything. It is an error if there is none.
func (u *Updater) Forget(ctx context.Context, what string) (*Resolutions, error) {
	var v *Resolutions
	_, _, err := u.underLock(ctx, func(*record) error {
		all, list, err := u.kept()
		if err != nil {
			return err
		}
		v = &Resolutions{Product: all.Product, Faults: []string{}}
		var gone []conflict.Resolution
		for _, r := range list {
			if what == "" || string(r.Path) == what || r.ID.Matches(what) {
				if err := conflict.Forget(u.tree, r.ID); err != nil {
					return err
				}
				gone = append(gone, r)
			}
		}
		v.List = rememberedOf(gone)
		if what != "" && len(gone) == 0 {
			return fmt.Errorf("%s: %w", manifest.Path(what), ErrNotRemembered)
		}
		return nil
	})
	return v, err
}
