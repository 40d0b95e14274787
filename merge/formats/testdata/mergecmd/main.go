// Command mergecmd merges OURS BASE THEIRS and prints the result, for scoring merges
// without the rest of the program. Usage: mergecmd FORMAT OURS BASE THEIRS; exit 0
// clean, 3 with conflicts, 2 usage, 1 error.
package main

import (
	"fmt"
	"os"

	"inplace/merge"
	"inplace/merge/formats"
)

func main() {
	if len(os.Args) != 5 {
		fmt.Fprintln(os.Stderr, "usage: mergecmd FORMAT OURS BASE THEIRS")
		os.Exit(2)
	}
	var texts [3][]byte
	for i, path := range []string{os.Args[3], os.Args[2], os.Args[4]} {
		data, err := os.ReadFile(path)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		texts[i] = data
	}
	format := os.Args[1]
	if format == "" {
		format = formats.Detect(os.Args[2], texts[1])
	}
	r := formats.Merge(format, texts[0], texts[1], texts[2], merge.Options{Path: os.Args[2]})
	_, _ = os.Stdout.Write(r.Merged)
	fmt.Fprintf(os.Stderr, "%s: %s by %s, %d conflicts\n", os.Args[2], r.Format, r.Method, len(r.Conflicts))
	for _, n := range r.Notes {
		fmt.Fprintf(os.Stderr, "note: %s: %s\n", n.Key, n.Text)
	}
	for _, c := range r.Conflicts {
		fmt.Fprintf(os.Stderr, "conflict: %s: %s (ours line %d)\n", c.Key, c.Reason, c.OursStart+1)
	}
	if !r.Clean() {
		os.Exit(3)
	}
}
