package conflict

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// The file that carries resolutions to other nodes is a text: the line
// `inplace-resolutions 1`, the product as a JSON string, a JSON object for each
// resolution, and `end COUNT DIGEST` with the digest of all bytes before. It holds what
// was decided, so possibly passwords.
const (
	exportHead = "inplace-resolutions "
	exportForm = 1

	// MaxExport is the largest such file that is read, in bytes.
	MaxExport      = 64 << 20
	maxResolutions = 10_000
)

// ErrForeign is in the chain where a file is for another product.
var ErrForeign = errors.New("is for another product")

// Export writes resolutions as a file.
func Export(product string, list []Resolution) ([]byte, error) {
	if len(list) > maxResolutions {
		return nil, fmt.Errorf("want at most %d resolutions, got %d", maxResolutions, len(list))
	}
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s%d\n", exportHead, exportForm)
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(product); err != nil {
		return nil, err
	}
	for i := range list {
		if err := e.Encode(list[i]); err != nil {
			return nil, err
		}
	}
	fmt.Fprintf(&b, "end %d %s\n", len(list), digest(b.Bytes()))
	return b.Bytes(), nil
}

func digest(data []byte) string {
	d := sha256.Sum256(data)
	return hex.EncodeToString(d[:])
}

// Import reads what Export wrote, for product; name heads the errors. Nothing of a file
// that has a fault is taken.
func Import(name, product string, data []byte) ([]Resolution, error) {
	fault := func(line int, format string, args ...any) error {
		return errorf(fmt.Sprintf("%s:%d", name, line), format, args...)
	}
	if len(data) > MaxExport {
		return nil, errorf(name, "want at most %d bytes, got %d", MaxExport, len(data))
	}
	lines := strings.SplitAfter(string(data), "\n")
	head, _ := strings.CutSuffix(lines[0], "\n")
	form, ok := strings.CutPrefix(head, exportHead)
	if n, err := strconv.Atoi(form); ok && err == nil && n > exportForm {
		return nil, fault(1, "was written by a newer version: want %s%d, got %q", exportHead, exportForm, head)
	}
	if head != exportHead+strconv.Itoa(exportForm) {
		return nil, fault(1, "want %s%d, got %.60q", exportHead, exportForm, head)
	}
	n := len(lines)
	if n < 4 || lines[n-1] != "" {
		return nil, errorf(name, "is cut short: want an end line")
	}
	lines = lines[:n-1]
	last := lines[len(lines)-1]
	count := len(lines) - 3
	if want := fmt.Sprintf("end %d %s\n", count, digest(data[:len(data)-len(last)])); last != want {
		return nil, fault(len(lines), "was changed, damaged or cut short: want %q, got %.90q", strings.TrimSpace(want), strings.TrimSpace(last))
	}
	if count > maxResolutions {
		return nil, errorf(name, "want at most %d resolutions, got %d", maxResolutions, count)
	}
	var theirs string
	if err := strict(lines[1], &theirs); err != nil {
		return nil, fault(2, "product: %v", err)
	}
	if theirs != product {
		return nil, fmt.Errorf("%s:2: %w: want %q, got %.80q", name, ErrForeign, product, theirs)
	}
	out := make([]Resolution, count)
	seen := map[ID]int{}
	for i := range out {
		line := i + 3
		r := &out[i]
		err := strict(lines[i+2], r)
		if err == nil {
			err = r.check()
		}
		if err == nil && r.Product != product {
			err = fmt.Errorf("%w: want %q, got %.80q", ErrForeign, product, r.Product)
		}
		if err != nil {
			return nil, fmt.Errorf("%s:%d: %w", name, line, err)
		}
		if first := seen[r.ID]; first > 0 {
			return nil, fault(line, "resolution %s stands in line %d already", r.ID.Short(), first)
		}
		seen[r.ID] = line
	}
	return out, nil
}

// strict reads one line of JSON, without unknown fields or anything behind it.
func strict(line string, v any) error {
	d := json.NewDecoder(strings.NewReader(line))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return err
	}
	if d.More() {
		return errors.New("has more in its line than one value")
	}
	return nil
}
