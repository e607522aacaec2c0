package mirror

import "syncd/internal/store"

// tally follows the total_count of a whole list while a run reads it: Polar tells nothing else about rows that come and go
// meanwhile.
type tally struct{ told, last, rose, fell int64 }

// record takes a count; -1 where Polar did not count the whole list.
func (t *tally) record(total int) {
	n := int64(total)
	if n < 0 {
		return
	}
	if t.told > 0 {
		t.rose += max(0, n-t.last)
		t.fell += max(0, t.last-n)
	}
	t.told, t.last = t.told+1, n
}

// closeInto copies the counts into the closing of the run.
func (t *tally) closeInto(c *store.Closing) {
	if t.told > 0 {
		c.Total = &t.last
	}
	if t.told > 1 {
		c.Appeared, c.Vanished = &t.rose, &t.fell
	}
}
