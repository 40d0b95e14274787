package cli

import (
	"bytes"
	"flag"
	"image"
	"image/color"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

var updatePicture = flag.Bool("update-picture", false, "keep the picture of the report in docs/report.png")

// demoReport makes the sample product with an operator's edits, changed once more by
// edit, and returns the report of a dry run and its exit code.
func demoReport(t *testing.T, edit func(home string)) (page string, code int) {
	t.Helper()
	dir := t.TempDir()
	var out bytes.Buffer
	env := System("1.0.0")
	env.Stdin, env.Stdout, env.Stderr = strings.NewReader(""), &out, &out
	env.Now = func() time.Time { return time.Date(2026, 11, 23, 22, 0, 0, 0, time.UTC) }
	d := &demonstration{run: &run{env: env, ctx: t.Context(), out: newPrinter(&out, false)}, dir: dir, home: filepath.Join(dir, "acme")}
	for _, scene := range []func() error{d.publish, d.install, d.edit} {
		if err := scene(); err != nil {
			t.Fatalf("%v\n%s", err, out.String())
		}
	}
	edit(d.home)
	page = filepath.Join(dir, "plan.html")
	env.Name, env.Executable = "bin/update.sh", func() (string, error) { return filepath.Join(d.home, "bin", "inplace"), nil }
	code = runIn(t.Context(), []string{"--dry-run", "--report", page}, env)
	if _, err := os.Stat(page); err != nil {
		t.Fatalf("exit code %d, no report:\n%s", code, out.String())
	}
	return page, code
}

// withConflict adds to the operator's edits one that contradicts the vendor, and text
// that wants to be more than text.
func withConflict(t *testing.T) func(home string) {
	return func(home string) {
		for _, e := range [][3]string{
			{"conf/auth.properties", "auth.hash=pbkdf2", "auth.hash=scrypt <script>alert(1)</script>\u202e\x07"},
			{"conf/server.xml", "<!-- The port that browsers use. -->", "<!-- </td><img src=x onerror=alert(2)> -->"},
		} {
			path := filepath.Join(home, filepath.FromSlash(e[0]))
			if err := replaceInFile(path, e[1], e[2]); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// TestReport: the page stands alone, shows who changed what, and nothing of a file
// gets to be more than text.
func TestReport(t *testing.T) {
	page, code := demoReport(t, withConflict(t))
	if code != ExitConflict {
		t.Errorf("exit code: want %d, got %d", ExitConflict, code)
	}
	data, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text := string(data)
	for _, want := range []string{
		"1 conflict to be decided first", "CVE-2026-1234", "Ask users to log in once", "&lt;script&gt;alert(1)", "&lt;img src=x", "db.password=********",
		`<td class="who">vendor</td>`, `<td class="who">you</td>`, `<td class="who">conflict</td>`, "conf/security.properties", "prefers-color-scheme: dark", "@media print",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the report lacks %q", want)
		}
	}
	for _, bad := range []string{"<script", "<img", "<link", "src=\"", "href=", "url(", "@import", "correct-horse", "\u202e", "\x07"} {
		if strings.Contains(text, bad) {
			t.Errorf("the report holds %q", bad)
		}
	}
	if info, err := os.Stat(page); err != nil || info.Mode().Perm()&0o077 != 0 && os.PathSeparator == '/' {
		t.Errorf("others may read the report: %v, %v", info.Mode(), err)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(page), ".inplace-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %q, %v", left, err)
	}
}

// TestReportInBrowser looks at the page in Chromium, in a light and in a dark setting
// and on a narrow screen.
func TestReportInBrowser(t *testing.T) {
	Slow(t)
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		t.Skip("no chromium here: the page is not looked at in a browser")
	}
	page, code := demoReport(t, func(string) {})
	if code != ExitOK {
		t.Fatalf("exit code: want 0, got %d", code)
	}
	shoot := func(scheme, size string) image.Image {
		t.Helper()
		file := filepath.Join(t.TempDir(), "page.png")
		cmd := exec.CommandContext(t.Context(), chromium, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
			"--disable-background-networking", "--disable-component-update", "--disable-sync", "--hide-scrollbars", "--user-data-dir="+t.TempDir(),
			"--blink-settings=preferredColorScheme="+scheme, "--window-size="+size, "--screenshot="+file, "file://"+page)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("chromium: %v\n%s", err, out)
		}
		f, err := os.Open(file)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		img, err := png.Decode(f)
		if err != nil {
			t.Fatal(err)
		}
		if *updatePicture && scheme == lightScheme && size == pictureSize {
			data, err := os.ReadFile(file)
			if err == nil {
				err = os.WriteFile("../../docs/report.png", data, 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return img
	}
	for name, c := range map[string]struct {
		scheme, size string
		background   color.RGBA
	}{
		"light":  {lightScheme, pictureSize, color.RGBA{0xff, 0xff, 0xff, 0xff}},
		"dark":   {"0", pictureSize, color.RGBA{0x12, 0x15, 0x1b, 0xff}},
		"narrow": {lightScheme, "500,2600", color.RGBA{0xff, 0xff, 0xff, 0xff}},
	} {
		t.Run(name, func(t *testing.T) {
			img := shoot(c.scheme, c.size)
			if got := color.RGBAModel.Convert(img.At(1, 1)); got != c.background {
				t.Errorf("background: want %v, got %v", c.background, got)
			}
			if n := inked(img, c.background); n < 20_000 {
				t.Errorf("%d points of the picture are not background: the page is empty", n)
			}
			if c.size != pictureSize && edgeInked(img, c.background) {
				t.Error("the page is wider than the screen")
			}
		})
	}
}

const (
	lightScheme = "1"
	pictureSize = "1280,2400"
)

// inked counts the points that are not background.
func inked(img image.Image, background color.RGBA) (n int) {
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			if color.RGBAModel.Convert(img.At(x, y)) != background {
				n++
			}
		}
	}
	return n
}

// edgeInked reports whether something stands at the very right edge.
func edgeInked(img image.Image, background color.RGBA) bool {
	b := img.Bounds()
	for y := b.Min.Y; y < b.Max.Y; y++ {
		if color.RGBAModel.Convert(img.At(b.Max.X-2, y)) != background {
			return true
		}
	}
	return false
}

// TestReportFile: what cannot be a report is refused before anything is done, and a
// place that cannot be written is named.
func TestReportFile(t *testing.T) {
	e := &fakeEngine{plan: samplePlan()}
	if code, _, errs := show(e, "--dry-run", "--home", "x", "--report", "conf/server.xml"); code != ExitUsage || !strings.Contains(errs, "want a file named *.html") {
		t.Errorf("got %d, %s", code, errs)
	}
	nowhere := filepath.Join(t.TempDir(), "none", "plan.html")
	if code, _, errs := show(e, "--dry-run", "--home", "x", "--report", nowhere); code != ExitUsage || !strings.Contains(errs, "no such file or directory") {
		t.Errorf("got %d, %s", code, errs)
	}
	there := filepath.Join(t.TempDir(), "plan.html")
	if code, out, _ := show(e, "--dry-run", "--home", "x", "--report", there); code == ExitUsage || !regexp.MustCompile(`The report is in \S+plan.html`).MatchString(out) {
		t.Errorf("got %d, %s", code, out)
	}
}
