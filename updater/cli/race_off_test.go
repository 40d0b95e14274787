//go:build !race

package cli_test

// raceDetector says that the program under test was built with the race detector.
const raceDetector = false
