package counts

import "slices"

// Difference is that of two series of sums; all of one search have one length.
type Difference []int64

// IsZero tells that the sums are equal.
func (d Difference) IsZero() bool {
	return !slices.ContainsFunc(d, func(n int64) bool { return n != 0 })
}

func (d Difference) minus(o Difference) Difference {
	left := slices.Clone(d)
	for i := range min(len(left), len(o)) {
		left[i] -= o[i]
	}
	return left
}

// Search returns members whose sums differ, most of them or a few more. whole is the difference of all members; ask returns that of some,
// of so many at once. It asks those in front first and stops when what it found makes up the whole, so who is likely to differ stands
// in front. Two members whose differences cancel out are not found.
func Search[M any](members []M, atOnce, most int, whole Difference, ask func([]M) (Difference, error)) (found []M, err error) {
	for some := range slices.Chunk(members, atOnce) {
		if whole.IsZero() || len(found) >= most {
			break
		}
		d, err := ask(some)
		if err != nil {
			return nil, err
		}
		whole = whole.minus(d)
		if found, err = descend(some, d, found, ask); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// descend asks for one half; the difference of the other is what is left.
func descend[M any](some []M, d Difference, found []M, ask func([]M) (Difference, error)) ([]M, error) {
	if d.IsZero() {
		return found, nil
	}
	if len(some) == 1 {
		return append(found, some[0]), nil
	}
	half := (len(some) + 1) / 2
	first, err := ask(some[:half])
	if err != nil {
		return nil, err
	}
	if found, err = descend(some[:half], first, found, ask); err != nil {
		return nil, err
	}
	return descend(some[half:], d.minus(first), found, ask)
}
