package repository

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"github.com/klauspost/compress/zstd"

	"inplace/manifest"
)

// NamedDigest is the digest that the name of a file of a repository promises of its
// plain bytes; ok is false for a file that is not named by one.
func NamedDigest(name string) (d manifest.Digest, ok bool) {
	switch dir, _, _ := strings.Cut(name, "/"); dir {
	case dirTargets, dirInventories, dirBlobs:
	default:
		return d, false
	}
	hex, _, _ := strings.Cut(path.Base(name), ".")
	d, err := manifest.ParseHex(hex)
	return d, err == nil
}

// CheckNamed reads r, the file name of a repository as it lies there, to its end and
// says whether its plain bytes have the digest that its name promises. It never
// decompresses more than most bytes: no file is longer unpacked than it may be packed.
func CheckNamed(name string, r io.Reader, most int64) error {
	want, ok := NamedDigest(name)
	if !ok {
		return fmt.Errorf("%s: is not named by a digest", name)
	}
	if strings.HasSuffix(name, ".zst") {
		dec, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true), zstd.WithDecoderMaxWindow(windowBytes))
		if err != nil {
			return badFrame(name, err)
		}
		defer dec.Close()
		r = dec
	}
	h := sha256.New()
	n, err := io.Copy(h, io.LimitReader(r, most+1))
	if err == nil && n > most {
		err = errors.New("longer than it can be")
	}
	if err != nil {
		return badFrame(name, err)
	}
	if got := manifest.Digest(h.Sum(nil)); got != want {
		return digestError(name, want, got)
	}
	return nil
}
