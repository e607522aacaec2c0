package counts_test

import (
	"errors"
	"slices"
	"testing"

	"syncd/internal/tail/counts"
)

// Who differs is found, by few questions: about the logarithm of how many are asked at once for each.
func TestSearch(t *testing.T) {
	t.Parallel()
	members := make([]int, 1000)
	for i := range members {
		members[i] = i
	}
	for name, c := range map[string]struct {
		differ    map[int]int64
		questions int
	}{
		"nobody":                 {nil, 0},
		"the first":              {map[int]int64{0: 1}, 7},
		"the last":               {map[int]int64{999: -2}, 27},
		"three":                  {map[int]int64{3: 1, 4: 1, 500: -1}, 25},
		"two who make up nought": {map[int]int64{10: 1, 20: -1}, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			asked := 0
			sum := func(some []int) counts.Difference {
				d := counts.Difference{0, 0} // the second figure differs for nobody
				for _, m := range some {
					d[0] += c.differ[m]
				}
				return d
			}
			found, err := counts.Search(members, 50, 100, sum(members), func(some []int) (counts.Difference, error) {
				if asked++; len(some) > 50 {
					t.Errorf("%d are asked for at once", len(some))
				}
				return sum(some), nil
			})
			if err != nil || asked > c.questions {
				t.Errorf("%d questions, %v; want at most %d", asked, err, c.questions)
			}
			for m := range c.differ {
				if slices.Contains(found, m) == (c.questions == 0) {
					t.Errorf("found: %v", found)
				}
			}
			if c.questions > 0 && len(found) != len(c.differ) {
				t.Errorf("found: %v", found)
			}
		})
	}
	all := counts.Difference{1000}
	one := func(some []int) (counts.Difference, error) { return counts.Difference{int64(len(some))}, nil }
	if found, err := counts.Search(members, 50, 60, all, one); err != nil || len(found) != 100 {
		t.Errorf("found %d, %v", len(found), err)
	}
	broken := errors.New("broken")
	if _, err := counts.Search(members, 50, 60, all, func([]int) (counts.Difference, error) { return nil, broken }); !errors.Is(err, broken) {
		t.Error(err)
	}
}
