package archive

import (
	"archive/tar"
	"archive/zip"
	"compress/flate"
	"io"
	"io/fs"

	"github.com/klauspost/compress/zstd"

	"inplace/manifest"
)

// windowBytes is the zstd window: what every zstd can decode without being asked to.
const windowBytes = 8 << 20

// tarSink writes a tar in a zstd frame.
type tarSink struct {
	tar *tar.Writer
	enc *zstd.Encoder
	opt Options
}

func newTar(w io.Writer, opt Options) (*tarSink, error) {
	enc, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression),
		zstd.WithWindowSize(windowBytes), zstd.WithEncoderCRC(true))
	if err != nil {
		return nil, err
	}
	return &tarSink{tar.NewWriter(enc), enc, opt}, nil
}

func (s *tarSink) add(e *Entry) (io.Writer, error) {
	h := &tar.Header{Name: e.Path, Mode: int64(e.Mode), ModTime: s.opt.Time, Format: tar.FormatPAX}
	switch e.Kind {
	case manifest.Dir:
		h.Typeflag, h.Name = tar.TypeDir, e.Path+"/"
	case manifest.Link:
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, e.Target, 0o777
	default:
		h.Typeflag, h.Size = tar.TypeReg, e.Size
	}
	return s.tar, s.tar.WriteHeader(h)
}

func (s *tarSink) close() error {
	if err := s.tar.Close(); err != nil {
		return err
	}
	return s.enc.Close()
}

// zipSink writes a zip. Contents are streamed: their lengths and checksums follow them.
type zipSink struct {
	zip *zip.Writer
	opt Options
}

func newZip(w io.Writer, opt Options) *zipSink {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 6) })
	return &zipSink{z, opt}
}

func (s *zipSink) add(e *Entry) (io.Writer, error) {
	h := &zip.FileHeader{Name: e.Path, Modified: s.opt.Time}
	switch e.Kind {
	case manifest.Dir:
		h.Name += "/"
		h.SetMode(fs.FileMode(e.Mode) | fs.ModeDir)
	case manifest.Link:
		h.SetMode(0o777 | fs.ModeSymlink)
		w, err := s.zip.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, e.Target)
		}
		return w, err
	default:
		h.Method = zip.Deflate
		h.SetMode(fs.FileMode(e.Mode))
	}
	return s.zip.CreateHeader(h)
}

func (s *zipSink) close() error { return s.zip.Close() }
