package mirror_test

import (
	"fmt"
	"net/http"
	"testing"

	"syncd/internal/slowtest"
)

// A list that nothing orders is read until as many different rows came as it counts.
func TestFilesHaveNoOrder(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	files := make([]map[string]any, 350)
	for i := range files {
		files[i] = map[string]any{"id": fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "name": fmt.Sprint(i), "service": "downloadable"}
	}
	h.Shuffled(t, "/v1/files/", files)
	r := h.SyncAll(t, "files")["files"]
	if n := len(h.Stored(t, "files", "_deleted_at IS NULL")); n != len(files) || r.Distinct != len(files) || r.Total != len(files) {
		t.Errorf("%d of %d files, %+v", n, len(files), r)
	}
	if r.Requests > 60 {
		t.Errorf("%d requests for four pages", r.Requests)
	}
}

// There is no GET of a file: two sweeps that do not meet it, an hour apart, are the evidence.
func TestFileDeleted(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.SyncAll(t, "files")
	file := h.All(t, "/v1/files/", nil)[0]["id"].(string)
	h.Want(t, http.StatusNoContent, http.MethodDelete, "/v1/files/"+file, "")
	for range 2 {
		if r := h.SyncAll(t, "files")["files"]; r.Deleted != 0 {
			t.Errorf("%d deleted after one sweep, or two in quick succession", r.Deleted)
		}
	}
	h.age(t, "1 hour")
	h.SyncAll(t, "files")
	h.Tombstone(t, "files", file)
	h.Equal(t, "files")
}
