package mirror

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"syncd/internal/spelling"
)

// Select reads which streams are on, and gives those that are off. The text is
// a list: names alone are the streams to have and no others; with signs they
// are added to or taken from those before them, or from the default ones where
// there are none before. The words default, all and none stand for sets.
//
//	+events,-files          the default ones, with events and without files
//	customers,orders        these two
//	all,-payment_methods    everything else
//
// An *UnknownStreamError names what was probably meant.
func Select(text string, streams []Stream) (off map[string]bool, err error) {
	on := map[string]bool{}
	put := func(want bool, among func(Stream) bool) {
		for _, s := range streams {
			if among(s) {
				on[s.Name] = want
			}
		}
	}
	byDefault := func(s Stream) bool { return s.OptIn == "" }
	var errs []error
	for i, term := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ' ' }) {
		name, sign := strings.TrimLeft(term, "+-"), term[0]
		if i == 0 && (sign == '+' || sign == '-') {
			put(true, byDefault)
		}
		switch name {
		case "default":
			put(sign != '-', byDefault)
		case "all":
			put(sign != '-', func(Stream) bool { return true })
		case "none":
		default:
			if !slices.ContainsFunc(streams, func(s Stream) bool { return s.Name == name }) {
				errs = append(errs, &UnknownStreamError{Name: name, Nearest: spelling.Nearest(name, append(names(streams), "default", "all", "none"))})
			}
			on[name] = sign != '-'
		}
	}
	off = map[string]bool{}
	for _, s := range streams {
		if !on[s.Name] {
			off[s.Name] = true
			continue
		}
		for _, p := range s.Parents {
			if !on[p.Stream] {
				errs = append(errs, fmt.Errorf("%s is read for each row of %s, which is off: add +%s, or -%s", s.Name, p.Stream, p.Stream, s.Name))
			}
		}
	}
	if len(errs) == 0 && len(off) == len(streams) {
		errs = append(errs, errors.New("no stream is on: name some, such as default"))
	}
	return off, errors.Join(errs...)
}

func names(streams []Stream) []string {
	list := make([]string, len(streams))
	for i, s := range streams {
		list[i] = s.Name
	}
	return list
}
