package strictyaml

import (
	"fmt"
	"reflect"
	"strings"
)

// field is a struct field that is part of the text.
type field struct {
	name      string
	index     []int
	omitEmpty bool
	flow      bool
	required  bool
}

// fieldsOf lists the fields of t in their order, inlined ones in place. It
// panics on a tag it does not understand: that is a fault of our own code.
func fieldsOf(t reflect.Type) []field {
	var list []field
	for i := 0; i < t.NumField(); i++ {
		sf := t.Field(i)
		tag, ok := sf.Tag.Lookup("yaml")
		if !ok || tag == "-" {
			continue
		}
		name, options, _ := strings.Cut(tag, ",")
		f := field{name: name, index: sf.Index, required: sf.Tag.Get("strict") == "required"}
		inline := false
		for option := range strings.SplitSeq(options, ",") {
			switch option {
			case "":
			case "omitempty":
				f.omitEmpty = true
			case "flow":
				f.flow = true
			case "inline":
				inline = true
			default:
				panic(fmt.Sprintf("strictyaml: %s.%s: unknown option %q", t, sf.Name, option))
			}
		}
		if !inline {
			list = append(list, f)
			continue
		}
		for _, inner := range fieldsOf(sf.Type) {
			inner.index = append([]int{i}, inner.index...)
			list = append(list, inner)
		}
	}
	return list
}
