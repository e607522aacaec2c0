package store

import (
	"github.com/google/uuid"

	"syncd/internal/store/erasure"
	"syncd/internal/store/pg"
)

// noteAnonymized queues a note of the customers whom Polar has anonymized, by the objects of the pages, changed or not. They are erased
// when the run has ended.
func (w *writing) noteAnonymized(p *pg.Pipeline) {
	var ids []uuid.UUID
	for _, o := range w.items {
		ids = append(ids, o.Anonymized...)
	}
	if len(ids) > 0 {
		p.Add(erasure.NoteSQL, []any{ids}, nil)
	}
}
