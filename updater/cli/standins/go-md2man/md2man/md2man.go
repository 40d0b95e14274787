// Package md2man stands in for the module's own package, by which the command line
// library could print a manual page, and never does here. The original fills a table of
// two thousand entities at each start. See docs/decisions/0031.
package md2man

// Render returns doc as it is.
func Render(doc []byte) []byte { return doc }
