package proof

// Parses returns nil if data reads as format, or if the format is unknown. It is for
// texts that somebody decided, whose keys cannot be held against a rule.
func Parses(format string, data []byte) error {
	read, _ := readerOf(format)
	if read == nil {
		return nil
	}
	_, err := parse(read, data)
	return err
}
