package tree

// oneCharset tells whether the bytes of the texts can be mixed.
func oneCharset(docs []*doc) bool {
	charset := ""
	for _, d := range docs {
		if c := d.root.Charset; c != "" {
			if charset != "" && c != charset {
				return false
			}
			charset = c
		}
	}
	return true
}
