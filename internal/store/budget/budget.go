// Package budget is the request budget that all processes on one schema share, in the database.
package budget

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"syncd/internal/store/db"
	"syncd/internal/store/pg"
)

// Budget is how the request budget of one process stands, as it tells the others.
type Budget struct {
	PerMinute   int64         // configured
	Pace        int64         // what it goes by now
	Used        int64         // requests in the last minute
	Requests    []int64       // since its start, by priority
	RateLimited int64         // answers 429 since its start
	Paused      time.Duration // for which they kept it waiting since its start
}

// Ask is a request for tokens of the shared budget. The bucket they come from is refilled by the smallest Rate
// (tokens a second) up to the smallest Burst of the processes that have asked within the last minute.
type Ask struct {
	Holder   string
	Want     int
	Priority int // smaller is better
	Rate     float64
	Burst    int
	Budget   Budget
}

// Grant is the answer. Without tokens, Wait is when to ask again.
type Grant struct {
	Tokens      int
	Wait, Pause time.Duration
	Sharers     int // processes that have asked within the last minute, this one included
}

const (
	lives   = time.Minute      // how long a process counts that asks no more
	forgets = 10 * time.Minute // when its row goes
	// waits is how long tokens are kept back for a process that asked in vain and has not come again.
	waits = 2 * time.Second
	// ages: who has waited for so long has the best priority, so that nobody starves.
	ages = 15 * time.Second
)

// Shared is the request budget that all processes of the schema share.
type Shared struct {
	pool *pg.Pool
	q    *db.Queries
}

// New returns the handle on the shared budget of a schema.
func New(pool *pg.Pool) Shared { return Shared{pool, db.New(pool)} }

// Take takes tokens from the bucket that all processes of the schema share. The clock is the database's. One that
// asks while another with a better priority waits gets what that one leaves.
func (b Shared) Take(ctx context.Context, ask Ask) (grant Grant, err error) {
	err = b.pool.InSteps(ctx, func(tx *pg.Steps) error {
		var p pg.Pipeline
		var bucket db.BudgetLockRow
		var holders []db.SyncBudgetHolder
		pg.One(&p, &bucket)(db.New(&p).BudgetLock(ctx))
		pg.Each(&p, func(h db.SyncBudgetHolder) { holders = append(holders, h) })(db.New(&p).BudgetHolders(ctx))
		if err := tx.Step(ctx, &p); err != nil {
			return err
		}
		var left float64
		var me db.SyncBudgetHolder
		grant, left, me = ask.from(bucket, holders)
		p = pg.Pipeline{}
		q := db.New(&p)
		err := q.BudgetSet(ctx, db.BudgetSetParams{Tokens: left, At: bucket.At, Ahead: bucket.At.Add(time.Minute)})
		if slices.ContainsFunc(holders, func(h db.SyncBudgetHolder) bool {
			age := bucket.At.Sub(h.AskedAt)
			return age > forgets || age < -lives
		}) {
			err = errors.Join(err, q.BudgetForget(ctx, db.BudgetForgetParams{Before: bucket.At.Add(-forgets), After: bucket.At.Add(lives)}))
		}
		if err = errors.Join(err, q.BudgetHolderSet(ctx, db.BudgetHolderSetParams(me))); err != nil {
			return err
		}
		return tx.Commit(ctx, &p)
	})
	if err != nil {
		return Grant{}, fmt.Errorf("take from the shared request budget: %w", err)
	}
	return grant, nil
}

// from decides: what is granted, what is left in the bucket, and how the asking process stands then.
func (ask Ask) from(bucket db.BudgetLockRow, holders []db.SyncBudgetHolder) (grant Grant, left float64, me db.SyncBudgetHolder) {
	now := bucket.At
	me = db.SyncBudgetHolder{
		Holder: ask.Holder, AskedAt: now, WaitingAt: &now, Wanted: int64(ask.Want), Priority: int64(ask.Priority),
		Rate: ask.Rate, Burst: int64(ask.Burst), PerMinute: ask.Budget.PerMinute, Pace: ask.Budget.Pace, Used: ask.Budget.Used,
		Requests: ask.Budget.Requests, RateLimited: ask.Budget.RateLimited, Paused: ask.Budget.Paused.Seconds(),
	}
	for _, h := range holders {
		if h.Holder == ask.Holder && h.WaitingAt != nil && !h.WaitingAt.After(now) && now.Sub(h.AskedAt) < waits {
			me.WaitingAt = h.WaitingAt
		}
	}
	rate, burst, ahead := ask.Rate, float64(ask.Burst), 0.0
	grant.Sharers = 1
	for _, h := range holders {
		// One that seems to have asked later than now did so before the clock was set back; if it lives it will ask again.
		age := now.Sub(h.AskedAt)
		if h.Holder == ask.Holder || age > lives || age < -waits {
			continue
		}
		grant.Sharers++
		rate, burst = min(rate, h.Rate), min(burst, float64(h.Burst))
		if age < waits && before(h, me, now) {
			ahead += float64(h.Wanted)
		}
	}
	left = min(burst, bucket.Tokens+max(0, bucket.Since)*rate)
	grant.Pause = max(0, time.Duration(bucket.Paused*float64(time.Second)))
	if grant.Pause > 0 {
		grant.Wait = grant.Pause
		return grant, left, me
	}
	if free := left - ahead; free >= 1 {
		grant.Tokens = min(ask.Want, int(free))
		left -= float64(grant.Tokens)
		me.WaitingAt, me.Wanted = nil, 0
		return grant, left, me
	}
	grant.Wait = min(time.Second, time.Duration((1+ahead-left)/rate*float64(time.Second)))
	return grant, left, me
}

// before tells whether a waits and comes before b, by priority and then by how long they have waited.
func before(a, b db.SyncBudgetHolder, now time.Time) bool {
	if a.WaitingAt == nil {
		return false
	}
	rank := func(h db.SyncBudgetHolder) int64 {
		if now.Sub(*h.WaitingAt) > ages {
			return 0
		}
		return h.Priority
	}
	return cmp.Or(cmp.Compare(rank(a), rank(b)), a.WaitingAt.Compare(*b.WaitingAt)) < 0
}

// Pause keeps all processes from taking tokens for d from now.
func (b Shared) Pause(ctx context.Context, d time.Duration) error {
	if err := b.q.BudgetPause(ctx, d.Seconds()); err != nil {
		return fmt.Errorf("pause the shared request budget: %w", err)
	}
	return nil
}

// Leave says that a process has ended: the others go by their own pace at once, and not when it has been silent for a minute.
func (b Shared) Leave(ctx context.Context, holder string) error {
	if err := b.q.BudgetLeave(ctx, holder); err != nil {
		return fmt.Errorf("leave the shared request budget: %w", err)
	}
	return nil
}

// Holder is a process that draws on the shared budget, as of when it last asked.
type Holder struct {
	Holder string
	Age    time.Duration // since it asked, by the clock of the database
	Budget
}

// Holders reports on the processes that have drawn on the shared budget within the last minutes, and for how long all of
// them pause.
func (b Shared) Holders(ctx context.Context) (list []Holder, pause time.Duration, err error) {
	now, err := b.q.BudgetPaused(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read the shared request budget: %w", err)
	}
	rows, err := b.q.BudgetHolders(ctx)
	if err != nil {
		return nil, 0, fmt.Errorf("read the sharers of the request budget: %w", err)
	}
	for _, h := range rows {
		list = append(list, Holder{Holder: h.Holder, Age: max(0, now.At.Sub(h.AskedAt)), Budget: Budget{
			PerMinute: h.PerMinute, Pace: h.Pace, Used: h.Used, Requests: h.Requests, RateLimited: h.RateLimited,
			Paused: time.Duration(h.Paused * float64(time.Second)),
		}})
	}
	return list, time.Duration(now.Seconds * float64(time.Second)), nil
}
