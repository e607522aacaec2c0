package catalog_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/catalog"
	"syncd/internal/fetch"
	"syncd/internal/mirror"
	"syncd/internal/mirror/streams"
	"syncd/internal/polarsim"
	"syncd/internal/serve"
	"syncd/internal/slowtest"
	"syncd/internal/worldtest"
)

// canary is what every secret on the wire is replaced by: whatever else it is found in has kept a secret.
const canary = "canary-in-a-coal-mine"

// canaries puts a canary in the place of every secret, and counts them by stream and field.
type canaries struct {
	put  map[string]int
	also func(path string, body []byte) []byte
}

func (c *canaries) RoundTrip(req *http.Request) (*http.Response, error) {
	return worldtest.Rewrite(req, func(_ http.Header, body []byte) []byte {
		stream, names := secretsOf(req.URL.Path)
		secrets := regexp.MustCompile(`"(` + strings.Join(names, "|") + `)":\s?("[^"]*"|\{[^{}]*\})`)
		body = secrets.ReplaceAllFunc(body, func(found []byte) []byte {
			name, _, _ := bytes.Cut(found, []byte(":"))
			c.put[stream+"."+strings.Trim(string(name), `"`)]++
			return fmt.Appendf(nil, `%s:%q`, name, canary)
		})
		if c.also != nil {
			body = c.also(req.URL.Path, body)
		}
		return body
	})
}

// secretsOf names the stream that is read from a path, and the fields of its objects that are secrets.
func secretsOf(path string) (stream string, names []string) {
	for _, s := range catalog.Entries() {
		if ok, _ := regexp.MatchString("^"+regexp.MustCompile(`\{[a-z_]+\}`).ReplaceAllString(s.Path, "[^/]+")+"$", path); ok {
			stream, names = s.Name, append(names, s.Shape().SecretFields()...)
		}
	}
	return stream, append(names, streams.Stream{}.Shape().SecretFields()...)
}

// leaks lists where a canary is found: tables of both schemas, whatever their columns, and what else is given.
func (h *harness) leaks(t *testing.T, texts map[string]string) (found []string) {
	t.Helper()
	rows, err := h.Store.Pool().Query(t.Context(), "SELECT relname FROM pg_class WHERE relnamespace::regnamespace::text = ANY(current_schemas(false)) AND relkind IN ('r', 'p', 'v', 'm')")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 30 || !slices.Contains(tables, "sync_rejects") {
		t.Fatalf("%d tables: %v", len(tables), err)
	}
	for _, table := range tables {
		// A text of a bytea is hexadecimal.
		n := worldtest.Query[int](t, h, "SELECT count(*) FROM "+pgx.Identifier{table}.Sanitize()+" r WHERE r::text LIKE ANY ($1)",
			[]string{"%" + canary + "%", fmt.Sprintf("%%%x%%", canary)})
		if n > 0 {
			found = append(found, fmt.Sprintf("%s (%d rows)", table, n))
		}
	}
	for name, text := range texts {
		if strings.Contains(text, canary) {
			found = append(found, name)
		}
	}
	return found
}

// watched is an engine whose every log line is kept, over a transport.
func (h *harness) watched(t *testing.T, rt http.RoundTripper, out *worldtest.LockedBuffer, metrics mirror.Observer, change func(*catalog.Config)) *catalog.Mirror {
	t.Helper()
	log := slog.New(slog.NewTextHandler(out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	client, err := fetch.New(fetch.Config{Server: h.HTTP.URL, Token: worldtest.Token, RequestsPerMinute: -1, Now: h.World.Now, Transport: rt, Log: log,
		Backoff: func(int) time.Duration { return time.Millisecond }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return h.NewMirror(t, func(c *catalog.Config) {
		c.Client, c.Log, c.Observer = client, log, metrics
		c.Parallel = 1 // the canaries are counted without a lock
		if change != nil {
			change(c)
		}
	})
}

// No secret is kept: not in a table, nor in a log line, nor in a metric; not even of an item that cannot be stored, one
// that is not as expected, or one of a page that fails.
func TestSecretsAreKeptNowhere(t *testing.T) {
	slowtest.Mark(t)
	t.Parallel()
	h := start(t, setup{World: polarsim.Options{Customers: 8}})
	var out worldtest.LockedBuffer
	metrics := serve.NewMetrics(serve.Build{}, nil)
	c := &canaries{put: map[string]int{}}
	r := h.watched(t, c, &out, metrics, nil)
	sync := func(when string) {
		t.Helper()
		results, err := r.Sync(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		page := httptest.NewRecorder()
		metrics.Handler().ServeHTTP(page, httptest.NewRequest(http.MethodGet, "/metrics", nil))
		texts := map[string]string{"the log": out.String(), "the metrics": page.Body.String()}
		for _, res := range results {
			texts["the result of "+res.Stream] = fmt.Sprintf("%+v", res)
		}
		if leaks := h.leaks(t, texts); len(leaks) > 0 {
			t.Errorf("%s: a secret is in %s", when, strings.Join(leaks, ", "))
		}
	}
	sync("as it comes")
	wanted := []string{"products.guild_token"}
	for _, s := range catalog.Entries() {
		for _, name := range s.Secrets {
			wanted = append(wanted, s.Name+"."+name)
		}
	}
	for _, name := range wanted {
		if c.put[name] == 0 {
			t.Errorf("no %s on the wire, so this proves nothing of it", name)
		}
	}
	rejects := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_rejects")
	for name, spoil := range map[string]func(string, []byte) []byte{
		"a field that is not known": func(_ string, body []byte) []byte {
			return bytes.ReplaceAll(body, []byte(`"created_at":`), []byte(`"brand_new":1,"created_at":`))
		},
		"a value of another type": func(_ string, body []byte) []byte {
			return regexp.MustCompile(`"created_at":\s?"[^"]*"`).ReplaceAll(body, []byte(`"created_at":{"not":"a time"}`))
		},
		"a character that Postgres refuses": func(_ string, body []byte) []byte {
			return bytes.ReplaceAll(body, []byte(`"created_at":`), []byte(`"brand_new":"\u0000","created_at":`))
		},
		"an item without an id": func(_ string, body []byte) []byte {
			return regexp.MustCompile(`"id":\s?"[^"]*"`).ReplaceAll(body, []byte(`"id":"none"`))
		},
		"invalid UTF-8": func(_ string, body []byte) []byte {
			return bytes.ReplaceAll(body, []byte(`"created_at":`), []byte("\"brand_new\":\"\xff\",\"created_at\":"))
		},
		"a body cut short": func(_ string, body []byte) []byte { return body[:len(body)/2] },
	} {
		c.also = func(path string, body []byte) []byte {
			if path == "/v1/organizations/" { // else nothing would be read at all
				return body
			}
			return spoil(path, body)
		}
		r = h.watched(t, c, &out, metrics, nil)
		sync(name)
	}
	if n := worldtest.Query[int](t, h, "SELECT count(*) FROM sync_rejects"); n == rejects {
		t.Error("nothing was set aside, so this proves nothing of what is")
	}
	c.also = nil
	for _, path := range []string{"/v1/products/", "/v1/subscriptions/"} {
		h.Fault(t, "500:row=1,path="+path)
	}
	sync("a row that cannot be rendered")
}
