package fetch

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"syncd/internal/fetch/lists"
)

func TestSplitPageIsLenientWithItems(t *testing.T) {
	t.Parallel()
	items := []string{
		`{"id":"a","id":"b"}`, "{\"name\":\"\xff\xfe\"}", `{"n":` + strings.Repeat("9", 400) + `}`, `{"s":"\u0000 \ud800"}`,
		`null`, `1`, `"x"`, `[]`, `{}`, `{"a":{"b":[1,{"c":1.10}]}}`,
	}
	for _, blank := range []string{"", " ", "\n\t "} {
		body := []byte(fmt.Sprintf(`%[2]s{"items":%[2]s[%[1]s]%[2]s,"pagination":{"total_count":%[2]s10,"max_page":1}}%[2]s`, strings.Join(items, blank+","+blank), blank))
		got, total, maxPage, _, err := splitPage(body)
		if err != nil || total != 10 || maxPage != 1 || len(got) != len(items) {
			t.Fatalf("%d items of %d, max_page %d: %v", len(got), total, maxPage, err)
		}
		for i := range items {
			if string(got[i]) != items[i] {
				t.Errorf("item %d is %s, want %s", i, got[i], items[i])
			}
		}
	}
}

func TestSplitPageKnowsWhereItWasCut(t *testing.T) {
	t.Parallel()
	whole := []byte(`{"items":[{"id":"a","n":[1,2.5e1]},null],"x":true,"pagination":{"total_count":12,"max_page":3}}`)
	if _, total, maxPage, _, err := splitPage([]byte(`{"items":[],"pagination":{"total_count":12.0,"max_page":3e0}}`)); err != nil || total != 12 || maxPage != 3 {
		t.Errorf("counts by their value: %d, %d, %v", total, maxPage, err)
	}
	if _, _, _, _, err := splitPage(whole); err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if _, _, _, _, err := splitPage(whole[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", whole[:n], err)
		}
		if err := checkValue(whole[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", whole[:n], err)
		}
	}
	array := []byte(`[{"id":"a"},2]`)
	for n := range array {
		if _, err := SplitArray(array[:n]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %v", array[:n], err)
		}
	}
	if items, err := SplitArray(array); err != nil || len(items) != 2 {
		t.Errorf("%s, %v", items, err)
	}
	for _, wrong := range []string{`[] []`, `{}`, `[1,]`, `[1}`, `x`} {
		if items, err := SplitArray([]byte(wrong)); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q: %s, %v", wrong, items, err)
		}
	}
}

func FuzzPage(f *testing.F) {
	for _, seed := range []string{
		emptyPage, `{"items":[{"id":"a"},null,1.0,"x"],"pagination":{"total_count":4,"max_page":1}}`,
		`{"pagination":{"max_page":1,"total_count":4,"total_count":5},"items":[[]],"items":[]}`,
		"{\"items\":[{\"a\":\"\xff\"}],\"pagination\":{\"total_count\":1,\"max_page\":1}}", `{"items":[`, `[]`, `{`, ``, `{"items":{}}`, `{"it\u0065ms":[1],"pagination":{"total_count":1,"max_page":1}}`,
		`{"items":[{"id":"a","x":` + strings.Repeat("[", 10_100) + strings.Repeat("]", 10_100) + `}],"pagination":{"total_count":1,"max_page":1}}`,
		`{"items":[],"pagination":{"has_next_page":true}}`, `{"items":[],"pagination":{"total_count":99999999999999999999,"max_page":-1}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := bytes.Clone(body)
		items, total, maxPage, _, err := splitPage(body)
		if !bytes.Equal(body, before) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			if items != nil {
				t.Error("items beside an error")
			}
			return
		}
		if total < 0 || maxPage < 0 {
			t.Errorf("total_count %d, max_page %d", total, maxPage)
		}
		if checkValue(body) != nil {
			t.Error("a page that is no JSON")
		}
		length := 0
		for _, item := range items {
			length += len(item)
			if err := checkValue(item); err != nil || cap(item) != len(item) {
				t.Errorf("item %q: %v", item, err)
			}
			lists.ID(item)
		}
		if length > len(body) {
			t.Error("items overlap")
		}
	})
}

// An item that is nested deeper than decoders follow is one item of its page, byte for byte, and the page is not called
// checked. Cut in the middle it is an answer that broke off, as any other.
func TestPageWithADeepItem(t *testing.T) {
	t.Parallel()
	for _, levels := range []int{9_900, 9_998, 9_999, 10_000, 11_000, 500_000} {
		deep := `{"id":"b","metadata":` + strings.Repeat(`{"a":[`, levels/2) + strings.Repeat("]}", levels/2) + `,"created_at":"2025-01-02T03:04:05Z"}`
		body := []byte(`{"items":[{"id":"a"},` + deep + `,{"id":"c"}],"pagination":{"total_count":3,"max_page":1}}`)
		items, total, _, checked, err := splitPage(body)
		if err != nil || total != 3 || len(items) != 3 || string(items[1]) != deep || string(items[2]) != `{"id":"c"}` {
			t.Fatalf("%d levels: %d items of %d: %v", levels, len(items), total, err)
		}
		if levels >= 10_000 && checked {
			t.Errorf("%d levels: called checked", levels)
		}
		if id := lists.ID(items[1]); id != "b" {
			t.Errorf("%d levels: id %q", levels, id)
		}
		if err := checkValue([]byte(deep)); err != nil {
			t.Errorf("%d levels: %v", levels, err)
		}
		if list, err := SplitField([]byte(`{"id":"x","seats":[`+deep+`]}`), "seats"); err != nil || len(list) != 1 || string(list[0]) != deep {
			t.Errorf("%d levels in a field: %v", levels, err)
		}
		if list, err := SplitArray([]byte(`[` + deep + `]`)); err != nil || len(list) != 1 {
			t.Errorf("%d levels in an array: %v", levels, err)
		}
		if _, _, _, _, err := splitPage(body[:40+levels]); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%d levels, cut: %v", levels, err)
		}
	}
	if _, _, _, _, err := splitPage([]byte(`{"items":[` + strings.Repeat("[", 11_000) + strings.Repeat("]", 11_000) + `,}]}`)); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("what is no JSON beside a deep item: %v", err)
	}
}

func BenchmarkSplitPage(b *testing.B) {
	item := `{"created_at":"2025-01-02T03:04:05.120000Z","modified_at":null,"id":"1dbfc517-0bbf-4301-9ba8-555ca42b9737","customer":{` +
		strings.Repeat(`"some_key":"some value","amount":12345,"flag":true,"nothing":null,`, 58) + `"end":1}}`
	body := []byte(`{"items":[` + strings.Repeat(item+",", 99) + item + `],"pagination":{"total_count":100,"max_page":1}}`)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		items, _, _, _, err := splitPage(body)
		if err != nil {
			b.Fatal(err)
		}
		for _, item := range items {
			lists.ID(item)
		}
	}
}

// What is called checked, a strict reader takes as well.
func TestPageChecked(t *testing.T) {
	for item, want := range map[string]bool{
		`{"id":"a\n"}`: true, `{"id":"é"}`: true, "{\"id\":\"\xff\"}": false, `{"id":"\ud800"}`: false, `{"id":"\u00e9"}`: false,
	} {
		items, _, _, checked, err := splitPage([]byte(`{"items":[` + item + `],"pagination":{"total_count":1,"max_page":1}}`))
		if err != nil || len(items) != 1 {
			t.Fatalf("%s: %v", item, err)
		}
		if got := checked; got != want || got && !items[0].IsValid() {
			t.Errorf("%s: checked %t", item, got)
		}
	}
}
