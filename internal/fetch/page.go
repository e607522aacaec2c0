package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/humanize"
	"syncd/internal/rawjson"
)

// lenient accepts what a strict reader of an item may refuse: one item with broken UTF-8 or a repeated key must not hide the
// others of its page. The reader of each item decides how strict to be.
var lenient = jsontext.AllowInvalidUTF8(true)

func newDecoder(body []byte) *jsontext.Decoder {
	// The decoder works in place on the bytes of a bytes.Buffer.
	return jsontext.NewDecoder(bytes.NewBuffer(body), lenient, jsontext.AllowDuplicateNames(true))
}

// decoding lets read take a body apart. An item that is nested deeper than a decoder follows must not hide the others either:
// read then gets the body with the deep parts blanked, at unchanged offsets. whole: nothing was blanked.
func decoding(body []byte, read func(*jsontext.Decoder) error) (whole bool, err error) {
	once := func(body []byte) error {
		d := newDecoder(body)
		err := read(d)
		return errors.Join(err, atEnd(d, err))
	}
	if err = once(body); err == nil {
		return true, nil
	}
	const around = 100 // levels above an item, with room to spare
	shallow := rawjson.CutDepth(body, rawjson.MaxDepth-around)
	if len(shallow) == 0 || &shallow[0] == &body[0] {
		return true, err
	}
	return false, once(shallow)
}

// splitPage cuts {"items":[...],"pagination":{"total_count":n,"max_page":m}} into raw items, which are slices of body. Other keys
// are ignored. The error is io.ErrUnexpectedEOF where body ends in the middle. checked: a strict reader would accept the items
// too.
func splitPage(body []byte) (items []jsontext.Value, totalCount, maxPage int, checked bool, err error) {
	var listed bool
	whole, err := decoding(body, func(d *jsontext.Decoder) (err error) {
		items, totalCount, maxPage, listed = nil, -1, -1, false
		return readObject(d, func(key string) error {
			switch {
			case key == "items" && !listed:
				listed = true
				items, err = readItems(d, body)
				return err
			case key == "pagination":
				return readObject(d, func(key string) error {
					switch key {
					case "total_count":
						totalCount, err = readCount(d)
						return err
					case "max_page":
						maxPage, err = readCount(d)
						return err
					}
					return d.SkipValue()
				})
			}
			return d.SkipValue()
		})
	})
	switch {
	case err != nil:
		err = fmt.Errorf("a page of a list: %w", err)
	case !listed:
		err = errors.New(`a page of a list without "items"`)
	case totalCount < 0 || maxPage < 0:
		err = errors.New(`a page of a list without "total_count" and "max_page" in "pagination"`)
	}
	if err != nil {
		return nil, 0, 0, false, err
	}
	return items, totalCount, maxPage, whole && wellFormed(body), nil
}

// wellFormed: a strict reader would accept what was read leniently. There is no broken UTF-8, and no escape that could be half a
// surrogate pair.
func wellFormed(body []byte) bool { return utf8.Valid(body) && !bytes.Contains(body, []byte(`\u`)) }

// SplitArray cuts a bare [...] into raw items, which are slices of body. The error is io.ErrUnexpectedEOF where body ends in the
// middle.
func SplitArray(body []byte) (items []jsontext.Value, err error) {
	_, err = decoding(body, func(d *jsontext.Decoder) (err error) {
		items, err = readItems(d, body)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("a list: %w", err)
	}
	return items, nil
}

// SplitField cuts the list under a key of an object into raw items, as SplitArray does.
func SplitField(body []byte, field string) (items []jsontext.Value, err error) {
	_, err = decoding(body, func(d *jsontext.Decoder) (err error) {
		items = nil
		return readObject(d, func(key string) error {
			if key != field || items != nil {
				return d.SkipValue()
			}
			items, err = readItems(d, body)
			return err
		})
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("an object with %q: %w", field, err)
	case items == nil:
		return nil, fmt.Errorf("an object without %q", field)
	}
	return items, nil
}

// checkValue accepts any single JSON value.
func checkValue(body []byte) error {
	_, err := decoding(body, func(d *jsontext.Decoder) error { return unexpected(d.SkipValue()) })
	return err
}

// readObject calls member for each key of an object; member must read or skip the value.
func readObject(d *jsontext.Decoder, member func(key string) error) error {
	if kind := d.PeekKind(); kind != '{' {
		return wrongKind(d, kind, "an object")
	}
	if _, err := d.ReadToken(); err != nil {
		return unexpected(err)
	}
	for d.PeekKind() != '}' {
		key, err := d.ReadToken()
		if err != nil {
			return unexpected(err)
		}
		if err := member(key.String()); err != nil {
			return unexpected(err)
		}
	}
	_, err := d.ReadToken()
	return unexpected(err)
}

func readItems(d *jsontext.Decoder, body []byte) ([]jsontext.Value, error) {
	if kind := d.PeekKind(); kind != '[' {
		return nil, wrongKind(d, kind, "an array")
	}
	if _, err := d.ReadToken(); err != nil {
		return nil, unexpected(err)
	}
	items := make([]jsontext.Value, 0, 100)
	for d.PeekKind() != ']' {
		item, err := d.ReadValue()
		if err != nil {
			return nil, unexpected(err)
		}
		// The decoder's own slice is valid only until its next call.
		end := int(d.InputOffset())
		items = append(items, jsontext.Value(body[end-len(item):end:end]))
	}
	_, err := d.ReadToken()
	return items, unexpected(err)
}

func readCount(d *jsontext.Decoder) (int, error) {
	value, err := d.ReadValue()
	if err != nil {
		return 0, unexpected(err)
	}
	n := -1
	if value.Kind() == '0' {
		n, err = strconv.Atoi(string(rawjson.WholeNumber(value)))
	}
	if err != nil || n < 0 {
		return 0, fmt.Errorf("pagination counts are not whole numbers: %s", humanize.Line(string(value), 30))
	}
	return n, nil
}

// atEnd checks that only whitespace follows, unless reading has failed already.
func atEnd(d *jsontext.Decoder, err error) error {
	if err != nil {
		return nil
	}
	switch _, err := d.ReadToken(); {
	case err == nil:
		return errors.New("more than one JSON value")
	case errors.Is(err, io.EOF):
		return nil
	default:
		return err
	}
}

func wrongKind(d *jsontext.Decoder, kind jsontext.Kind, wanted string) error {
	// No JSON, or the end: reading on gives the error.
	if kind == 0 {
		if _, err := d.ReadToken(); err != nil {
			return unexpected(err)
		}
	}
	return fmt.Errorf("%s instead of %s", kind, wanted)
}

// unexpected turns io.EOF, which a decoder returns where there is no value at all, into io.ErrUnexpectedEOF.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}
