package catalog

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"syncd/internal/mirror"
	"syncd/internal/spelling"
)

// Select reads which streams are on, and returns those that are off. The text is a list. Names without signs are the streams that
// are on, and no others are. Names with signs are added to or removed from the streams before them, or from the default ones if
// they come first. The words default, all and none stand for sets.
//
//	+events,-files          the default ones, with events and without files
//	customers,orders        these two
//	all,-payment_methods    everything else
//
// An *mirror.UnknownStreamError names what was probably meant.
func Select(text string, entries []Entry) (off map[string]bool, err error) {
	on := map[string]bool{}
	put := func(want bool, among func(Entry) bool) {
		for _, e := range entries {
			if among(e) {
				on[e.Name] = want
			}
		}
	}
	byDefault := func(e Entry) bool { return e.OptIn == "" }
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
			put(sign != '-', func(Entry) bool { return true })
		case "none":
		default:
			if !slices.ContainsFunc(entries, func(e Entry) bool { return e.Name == name }) {
				errs = append(errs, &mirror.UnknownStreamError{Name: name, Nearest: spelling.Nearest(name, append(names(entries), "default", "all", "none"))})
			}
			on[name] = sign != '-'
		}
	}
	off = map[string]bool{}
	for _, e := range entries {
		if !on[e.Name] {
			off[e.Name] = true
			continue
		}
		for _, p := range e.Parents {
			if !on[p.Stream] {
				errs = append(errs, fmt.Errorf("%s is read for each row of %s, which is off: add +%s, or -%s", e.Name, p.Stream, p.Stream, e.Name))
			}
		}
	}
	if len(errs) == 0 && len(off) == len(entries) {
		errs = append(errs, errors.New("no stream is on: name some, such as default"))
	}
	return off, errors.Join(errs...)
}

func names(entries []Entry) []string {
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = e.Name
	}
	return list
}
