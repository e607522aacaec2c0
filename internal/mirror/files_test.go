package mirror_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"

	"syncd/internal/slowtest"
)

// shuffled is a list without any order: each request gets its page of another one.
func (h *harness) shuffled(t *testing.T, path string, items []map[string]any) {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	mux := http.NewServeMux()
	mux.Handle("/", h.server)
	mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) {
		var page, limit int
		q := r.URL.Query()
		_, _ = fmt.Sscan(q.Get("page"), &page)
		_, _ = fmt.Sscan(q.Get("limit"), &limit)
		random.Shuffle(len(items), func(i, j int) { items[i], items[j] = items[j], items[i] })
		total := len(items)
		some := items[min(limit*(page-1), total):min(limit*page, total)]
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"items": some, "pagination": map[string]int{"total_count": total, "max_page": (total + limit - 1) / limit}})
	})
	h.http = httptest.NewServer(mux)
	t.Cleanup(h.http.Close)
	h.Mirror = h.runner(t, nil)
}

// A list that nothing orders is read until as many different rows came as it counts.
func TestFilesHaveNoOrder(t *testing.T) {
	t.Parallel()
	h := start(t, setup{})
	files := make([]map[string]any, 350)
	for i := range files {
		files[i] = map[string]any{"id": fmt.Sprintf("00000000-0000-4000-8000-%012d", i), "name": fmt.Sprint(i), "service": "downloadable"}
	}
	h.shuffled(t, "/v1/files/", files)
	r := h.sync(t, "files")["files"]
	if n := len(h.stored(t, "files", "_deleted_at IS NULL")); n != len(files) || r.Distinct != len(files) || r.Total != len(files) {
		t.Errorf("%d of %d files, %+v", n, len(files), r)
	}
	if r.Requests > 60 {
		t.Errorf("%d requests for four pages", r.Requests)
	}
}

// There is no GET of a file: two sweeps that do not meet it are the evidence.
func TestFileDeleted(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{})
	h.sync(t, "files")
	file := h.all(t, "/v1/files/", nil)[0]["id"].(string)
	h.want(t, http.StatusNoContent, http.MethodDelete, "/v1/files/"+file, "")
	if r := h.sync(t, "files")["files"]; r.Deleted != 0 {
		t.Errorf("%d deleted after one sweep", r.Deleted)
	}
	h.sync(t, "files")
	h.tombstone(t, "files", file)
	h.equal(t, "files")
}
