package proof_test

import (
	"strings"
	"testing"

	"inplace/merge/proof"
)

// mutant is a triple with its right merge, and ways to damage that: each replaces a text
// that stands in it. The proof must accept the merge and refuse every damage.
type mutant struct {
	format, base, ours, theirs, merged string
	damage                             map[string][2]string
}

// In each triple ours changes o, adds mine and a comment and removes x; theirs changes t,
// adds new and removes y; both add both, and keep is nobody's.
func mutants() []mutant {
	return []mutant{
		{"properties", "keep=1\no=1\nt=1\nx=1\ny=1\n", "keep=1\n# mine\nmine=1\no=2\nt=1\ny=1\nboth=1\n", "keep=1\no=1\nt=2\nnew=1\nx=1\nboth=1\n",
			"keep=1\n# mine\nmine=1\no=2\nt=2\nnew=1\nboth=1\n", map[string][2]string{
				"value of ours lost":        {"o=2", "o=1"},
				"value of theirs lost":      {"t=2", "t=1"},
				"key of ours lost":          {"mine=1\n", ""},
				"key of theirs lost":        {"new=1\n", ""},
				"key of both lost":          {"both=1\n", ""},
				"key of both doubled":       {"both=1\n", "both=1\nboth=1\n"},
				"key doubled":               {"keep=1\n", "keep=1\nkeep = 1\n"},
				"untouched key lost":        {"keep=1\n", ""},
				"untouched key changed":     {"keep=1", "keep=2"},
				"removed by ours is back":   {"new=1", "new=1\nx=1"},
				"removed by theirs back":    {"new=1", "new=1\ny=1"},
				"key of nobody":             {"new=1", "new=1\nnobody=1"},
				"comment lost":              {"# mine\n", ""},
				"comment no comment":        {"# mine", "mine"},
				"key became a comment":      {"t=2", "#t=2"},
				"key hidden by a backslash": {"o=2", "o=2\\"},
				"marker left":               {"keep=1\n", "keep=1\n<<<<<<< ours\n"},
				"broken escape":             {"both=1", "both=1\\u12"},
				"empty":                     {"keep=1\n# mine\nmine=1\no=2\nt=2\nnew=1\nboth=1\n", ""},
			}},
		{"ini", "[a]\nkeep=1\no=1\nx=1\n[b]\nt=1\ny=1\n", "[a]\nkeep=1\n; mine\nmine=1\no=2\n[b]\nt=1\ny=1\n", "[a]\nkeep=1\no=1\nx=1\n[b]\nt=2\nnew=1\n",
			"[a]\nkeep=1\n; mine\nmine=1\no=2\n[b]\nt=2\nnew=1\n", map[string][2]string{
				"section lost":            {"[b]\n", ""},
				"section doubled":         {"[b]\n", "[b]\n[b]\n"},
				"key in another section":  {"[b]\nt=2\n", "t=2\n[b]\n"},
				"value of ours lost":      {"o=2", "o=1"},
				"value of theirs lost":    {"t=2", "t=1"},
				"comment lost":            {"; mine\n", ""},
				"removed by ours is back": {"mine=1", "mine=1\nx=1"},
				"broken section":          {"[b]", "[b"},
			}},
		{"env", "KEEP=1\nO=1\nT=1\n", "KEEP=1\n# mine\nO=2\nT=1\n", "KEEP=1\nO=1\nT=2\nNEW=\"a\nb\"\n", "KEEP=1\n# mine\nO=2\nT=2\nNEW=\"a\nb\"\n", map[string][2]string{
			"value of ours lost":   {"O=2", "O=1"},
			"value of theirs lost": {"T=2", "T=1"},
			"quote left open":      {"b\"", "b"},
			"key doubled":          {"T=2", "T=2\nexport T=2"},
			"comment lost":         {"# mine\n", ""},
		}},
		{"sh", "A=1\nrun\nB=1\nfi\n", "A=2\nrun\nB=1\nfi\n", "A=1\nrun\nB=2\nfi\n", "A=2\nrun\nB=2\nfi\n", map[string][2]string{
			"value of ours lost":   {"A=2", "A=1"},
			"value of theirs lost": {"B=2", "B=1"},
			"statement lost":       {"run\n", ""},
			"key doubled":          {"A=2", "A=2\nA=2"},
		}},
		{"directive", "keep 1\no 1\nsave 1 1\nt 1\n", "keep 1\n# mine\no 2\nsave 1 1\nsave 2 2\nt 1\n", "keep 1\no 1\nsave 1 1\nsave 3 3\nt 2\n", "keep 1\n# mine\no 2\nsave 1 1\nsave 3 3\nsave 2 2\nt 2\n", map[string][2]string{
			"entry of ours lost":    {"save 2 2\n", ""},
			"entry of theirs lost":  {"save 3 3\n", ""},
			"entry doubled":         {"save 3 3\n", "save 3 3\nsave 3 3\n"},
			"entry changed":         {"save 1 1", "save 1 2"},
			"value of theirs lost":  {"t 2", "t 1"},
			"comment lost":          {"# mine\n", ""},
			"key doubled otherwise": {"t 2", "t 2\nT 2"},
		}},
		{"nginx", "keep 1;\ns {\n o 1;\n t 1;\n}\n", "keep 1;\ns {\n # mine\n o 2;\n t 1;\n}\n", "keep 1;\ns {\n o 1;\n t 2;\n n 1;\n}\n", "keep 1;\ns {\n # mine\n o 2;\n t 2;\n n 1;\n}\n", map[string][2]string{
			"value of ours lost":     {"o 2", "o 1"},
			"value of theirs lost":   {"t 2", "t 1"},
			"key in another block":   {" n 1;\n}", "}\nn 1;"},
			"block left open":        {"}\n", "\n"},
			"semicolon lost":         {"n 1;", "n 1"},
			"comment lost":           {" # mine\n", ""},
			"block doubled":          {"keep 1;", "keep 1;\ns { o 2; t 2; n 1; }"},
			"directive in a comment": {" t 2;", " # t 2;"},
		}},
		{"xml", "<a>\n<k/>\n<o v='1'/>\n<t v='1'/>\n<x/>\n</a>\n", "<a>\n<k/>\n<!-- mine -->\n<o v='2'/>\n<t v='1'/>\n</a>\n", "<a>\n<k/>\n<o v='1'/>\n<t v='2'/>\n<x/>\n<n>z</n>\n</a>\n",
			"<a>\n<k/>\n<!-- mine -->\n<o v='2'/>\n<t v='2'/>\n<n>z</n>\n</a>\n", map[string][2]string{
				"value of ours lost":      {"<o v='2'", "<o v='1'"},
				"value of theirs lost":    {"<t v='2'", "<t v='1'"},
				"attribute lost":          {"<o v='2'/>", "<o/>"},
				"attribute doubled":       {"<o v='2'/>", "<o v='2' v='2'/>"},
				"text lost":               {"<n>z</n>", "<n></n>"},
				"element doubled":         {"<n>z</n>", "<n>z</n><n>z</n>"},
				"untouched lost":          {"<k/>\n", ""},
				"removed by ours is back": {"<n>z</n>", "<x/><n>z</n>"},
				"left open":               {"</n>", ""},
				"comment lost":            {"<!-- mine -->\n", ""},
				"in a comment":            {"<o v='2'/>", "<!--<o v='2'/>-->"},
				"moved into another":      {"<k/>\n", "<k><n>z</n></k>\n"},
			}},
		{"yaml", "k: 1\ns:\n  o: 1\n  t: 1\nl:\n- a\n", "k: 1\ns:\n  # mine\n  o: 2\n  t: 1\nl:\n- a\n- m\n", "k: 1\ns:\n  o: 1\n  t: 2\n  n: x\nl:\n- a\n", "k: 1\ns:\n  # mine\n  o: 2\n  t: 2\n  n: x\nl:\n- a\n- m\n", map[string][2]string{
			"value of ours lost":   {"o: 2", "o: 1"},
			"value of theirs lost": {"t: 2", "t: 1"},
			"type changed":         {"o: 2", "o: \"2\""},
			"key in another block": {"  n: x", "n: x"},
			"key doubled":          {"  n: x", "  n: x\n  n: x"},
			"item lost":            {"- m\n", ""},
			"item doubled":         {"- m\n", "- m\n- m\n"},
			"untouched item":       {"- a\n", "- b\n"},
			"comment lost":         {"  # mine\n", ""},
			"indentation broken":   {"  t: 2", " t: 2"},
		}},
		{"json", "{\n\"k\": 1,\n\"o\": 1,\n\"t\": 1\n}\n", "{\n\"k\": 1,\n\"o\": 2,\n\"t\": 1\n}\n", "{\n\"k\": 1,\n\"o\": 1,\n\"t\": 2,\n\"n\": [1]\n}\n", "{\n\"k\": 1,\n\"o\": 2,\n\"t\": 2,\n\"n\": [1]\n}\n", map[string][2]string{
			"value of ours lost":   {"\"o\": 2", "\"o\": 1"},
			"value of theirs lost": {"\"t\": 2", "\"t\": 1"},
			"comma lost":           {"\"t\": 2,", "\"t\": 2"},
			"comma too many":       {"[1]\n", "[1],\n"},
			"key doubled":          {"\"t\": 2", "\"t\": 2, \"t\": 2"},
			"type changed":         {"\"o\": 2", "\"o\": \"2\""},
			"item lost":            {"[1]", "[]"},
			"untouched lost":       {"\"k\": 1,\n", ""},
		}},
		{"toml", "k = 1\n[s]\no = 1\nt = 1\n", "k = 1\n[s]\n# mine\no = 2\nt = 1\n", "k = 1\n[s]\no = 1\nt = 2\n[n]\nx = 1\n", "k = 1\n[s]\n# mine\no = 2\nt = 2\n[n]\nx = 1\n", map[string][2]string{
			"value of ours lost":   {"o = 2", "o = 1"},
			"value of theirs lost": {"t = 2", "t = 1"},
			"table doubled":        {"[n]", "[s]"},
			"key in another table": {"[n]\nx = 1\n", "x = 1\n[n]\n"},
			"key doubled":          {"x = 1", "x = 1\nx = 1"},
			"comment lost":         {"# mine\n", ""},
			"type changed":         {"o = 2", "o = 2.0"},
		}},
	}
}

func TestEveryDamageIsRefused(t *testing.T) {
	damaged := 0
	for _, m := range mutants() {
		check := func(merged string) error {
			return proof.Check(m.format, []byte(m.base), []byte(m.ours), []byte(m.theirs), []byte(merged))
		}
		if err := check(m.merged); err != nil {
			t.Errorf("%s: the right merge is refused: %v", m.format, err)
			continue
		}
		for what, d := range m.damage {
			if !strings.Contains(m.merged, d[0]) {
				t.Fatalf("%s: %s: %q is not in the merge", m.format, what, d[0])
			}
			merged := strings.Replace(m.merged, d[0], d[1], 1)
			if check(merged) == nil {
				t.Errorf("%s: %s: the proof accepts %q", m.format, what, merged)
			}
			damaged++
		}
	}
	t.Logf("%d damages", damaged)
}

// Where both sides changed a key differently, nothing clean is right.
func TestContradictionsAreRefused(t *testing.T) {
	for _, m := range mutants() {
		theirs := m.theirs
		for _, c := range [][2]string{{"o=1", "o=3"}, {"O=1", "O=3"}, {"A=1", "A=3"}, {"o 1", "o 3"}, {"<o v='1'", "<o v='3'"}, {"o: 1", "o: 3"}, {"\"o\": 1", "\"o\": 3"}, {"o = 1", "o = 3"}} {
			theirs = strings.Replace(theirs, c[0], c[1], 1)
		}
		if theirs == m.theirs {
			t.Fatalf("%s: nothing to contradict", m.format)
		}
		for _, merged := range []string{m.merged, theirs, m.ours} {
			if proof.Check(m.format, []byte(m.base), []byte(m.ours), []byte(theirs), []byte(merged)) == nil {
				t.Errorf("%s: the proof accepts %q of two contradicting sides", m.format, merged)
			}
		}
	}
}
