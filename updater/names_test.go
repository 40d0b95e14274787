package updater

import (
	"encoding/json"
	"testing"

	"inplace/manifest"
)

// TestPathsInDocuments: a path that JSON cannot hold has an escaped form beside it.
func TestPathsInDocuments(t *testing.T) {
	for path, want := range map[manifest.Path]string{"lib/bad\xff \xfe%.jar": "lib/bad%FF%20%FE%25.jar", "conf/größe": "", "conf/a b": ""} {
		for what, v := range map[string]any{"edit": []Edit{{Path: path, What: WhatExtra}}, "file of a diff": []*FileDiff{{Path: path, What: "added"}}} {
			data, err := json.Marshal(v)
			var got []struct {
				Path, What string
				Escaped    string `json:"path_escaped"`
			}
			if err == nil {
				err = json.Unmarshal(data, &got)
			}
			if err != nil || len(got) != 1 || got[0].What == "" || got[0].Escaped != want || want == "" && got[0].Path != string(path) {
				t.Errorf("%s %q: want path_escaped %q, got %s, %v", what, path, want, data, err)
			}
		}
	}
}
