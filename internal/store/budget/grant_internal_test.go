package budget

import (
	"testing"
	"time"

	"syncd/internal/store/db"
)

func TestBudgetGrants(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 23, 7, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) *time.Time { at := now.Add(-d); return &at }
	ask := Ask{Holder: "me", Want: 2, Priority: 2, Rate: 4, Burst: 4}
	other := db.SyncBudgetHolder{Holder: "other", AskedAt: now.Add(-time.Second), Rate: 4, Burst: 4}
	waiting := func(h db.SyncBudgetHolder, priority, wanted int64, since time.Duration) db.SyncBudgetHolder {
		h.Priority, h.Wanted, h.WaitingAt = priority, wanted, ago(since)
		return h
	}
	slow, gone := other, other
	slow.Rate, slow.Burst = 1, 1
	gone.AskedAt, gone.Rate = now.Add(-2*time.Minute), 0.1
	late := waiting(other, 0, 2, 4*time.Second)
	late.AskedAt = now.Add(-3 * time.Second)
	mine := waiting(db.SyncBudgetHolder{Holder: "me", AskedAt: now.Add(-time.Second), Rate: 4, Burst: 4}, 2, 2, 20*time.Second)
	for _, test := range []struct {
		name    string
		bucket  db.BudgetLockRow
		holders []db.SyncBudgetHolder
		want    Grant
		left    float64
	}{
		{"alone", db.BudgetLockRow{Tokens: 3}, nil, Grant{Tokens: 2, Sharers: 1}, 1},
		{"refilled up to the burst", db.BudgetLockRow{Tokens: 3, Since: 100}, nil, Grant{Tokens: 2, Sharers: 1}, 2},
		{"a clock that went back", db.BudgetLockRow{Tokens: 1, Since: -100}, nil, Grant{Tokens: 1, Sharers: 1}, 0},
		{"empty", db.BudgetLockRow{Tokens: 0.5}, nil, Grant{Wait: 125 * time.Millisecond, Sharers: 1}, 0.5},
		{"the slowest counts", db.BudgetLockRow{Since: 2}, []db.SyncBudgetHolder{slow}, Grant{Tokens: 1, Sharers: 2}, 0},
		{"one that is gone does not", db.BudgetLockRow{Since: 1}, []db.SyncBudgetHolder{gone}, Grant{Tokens: 2, Sharers: 1}, 2},
		{"a refresh elsewhere comes first", db.BudgetLockRow{Tokens: 2}, []db.SyncBudgetHolder{waiting(other, 0, 2, time.Second)}, Grant{Wait: 250 * time.Millisecond, Sharers: 2}, 2},
		{"and leaves the rest", db.BudgetLockRow{Tokens: 3.5}, []db.SyncBudgetHolder{waiting(other, 0, 2, time.Second)}, Grant{Tokens: 1, Sharers: 2}, 2.5},
		{"unless it does not come again", db.BudgetLockRow{Tokens: 2}, []db.SyncBudgetHolder{late}, Grant{Tokens: 2, Sharers: 2}, 0},
		{"an export elsewhere does not", db.BudgetLockRow{Tokens: 2}, []db.SyncBudgetHolder{waiting(other, 3, 2, 9*time.Second)}, Grant{Tokens: 2, Sharers: 2}, 0},
		{"who has waited longer comes first", db.BudgetLockRow{Tokens: 1}, []db.SyncBudgetHolder{waiting(other, 2, 1, time.Second)}, Grant{Wait: 250 * time.Millisecond, Sharers: 2}, 1},
		{"very long, even before a refresh", db.BudgetLockRow{Tokens: 2}, []db.SyncBudgetHolder{mine, waiting(other, 0, 2, time.Second)}, Grant{Tokens: 2, Sharers: 2}, 0},
		{"a pause", db.BudgetLockRow{Tokens: 2, Paused: 30}, nil, Grant{Wait: 30 * time.Second, Pause: 30 * time.Second, Sharers: 1}, 2},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			test.bucket.At = now
			got, left, me := ask.from(test.bucket, test.holders)
			if got != test.want || left != test.left {
				t.Errorf("%+v and %v left, want %+v and %v", got, left, test.want, test.left)
			}
			if (me.WaitingAt == nil) != (got.Tokens > 0) {
				t.Errorf("waits since %v with %d tokens", me.WaitingAt, got.Tokens)
			}
		})
	}
}
