package cli

import "testing"

// CheckResult holds a document against the published schema, for tests of the real binary.
func CheckResult(t *testing.T, data []byte) []string {
	t.Helper()
	s := loadSchema(t, "result.json")
	return s.check(s, "", decodeOne(t, data))
}
