package seen

import (
	"testing"
	"time"
)

func TestHolder(t *testing.T) {
	t.Parallel()
	at := func(minute int) time.Time { return time.Date(2026, 1, 2, 3, minute, 0, 0, time.UTC) }
	h := Holds{of: map[string][]Hold{"0001": {{PID("a/host/12/X"), at(10)}, {PID(""), at(20)}, {PID("host/13/Y"), at(30)}}}}
	for _, test := range []struct {
		minute, pid int
		known       bool
	}{{9, 0, false}, {10, 12, true}, {19, 12, true}, {20, 0, true}, {30, 13, true}, {59, 13, true}} {
		if pid, known := h.Holder("0001", at(test.minute)); pid != test.pid || known != test.known {
			t.Errorf("minute %d: %d, %v", test.minute, pid, known)
		}
	}
}
