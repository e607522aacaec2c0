package pg

import "time"

// Null turns the zero value into NULL.
func Null[T comparable](v T) *T {
	at, isTime := any(v).(time.Time)
	if v == *new(T) || isTime && at.IsZero() {
		return nil
	}
	return &v
}

// Value turns NULL into the zero value.
func Value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
