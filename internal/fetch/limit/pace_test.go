package limit

import (
	"testing"
	"time"
)

// The pace goes up again step by step. Raises that are answered with a refusal come ever more rarely.
func TestPaceRecovers(t *testing.T) {
	t.Parallel()
	p := newPace(250, time.Minute)
	now := time.Unix(1_800_000_000, 0)
	limit, refusals, raises := 60, 0, 0
	minutes := func(n int) {
		for range n {
			now = now.Add(time.Minute)
			if p.now > limit {
				refusals++
				p.refuse(now, limit)
			} else if p.recover(now) {
				raises++
			}
		}
	}
	minutes(24 * 60)
	if refusals > 60 || raises > 30 || p.now > 67 {
		t.Errorf("%d refusals and %d raises in a day with a limit of %d, pace %d", refusals, raises, limit, p.now)
	}
	limit = 1000
	minutes(3 * 60)
	if p.now != 250 {
		t.Errorf("pace %d three hours after the limit was lifted", p.now)
	}
	if p.refuse(now, 200); p.now != 250 {
		t.Error("one refusal lowers the pace")
	}
	if sandbox := newPace(50, time.Minute); sandbox.floor != 9 {
		t.Errorf("the sandbox's restricted organizations may send 10 a minute, the floor is %d", sandbox.floor)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	u := usage{window: time.Minute}
	at := time.Unix(1_800_000_000, 0)
	for i := range 300 {
		u.add(at.Add(time.Duration(i)*time.Second), 2)
		if got, want := u.total(at.Add(time.Duration(i)*time.Second)), min(i+1, 60)*2; got != want {
			t.Fatalf("after %d s: %d, want %d", i, got, want)
		}
	}
	if got := u.total(at.Add(320 * time.Second)); got != 2*39 {
		t.Errorf("20 s later %d", got)
	}
	if got := u.total(at.Add(time.Hour)); got != 0 {
		t.Errorf("an hour later %d", got)
	}
}
