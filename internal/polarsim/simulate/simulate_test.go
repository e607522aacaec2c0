package simulate

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"syncd/internal/polarsim"
)

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		change func(*Options)
		want   string // "" = nothing is wrong
	}{
		{func(*Options) {}, ""},
		{func(o *Options) { o.Organizations = 0 }, "--organizations 0"},
		{func(o *Options) { o.Organizations = 10_000 }, "--organizations 10000"},
		{func(o *Options) { o.Churn = -1 }, "--churn cannot be negative"},
		{func(o *Options) { o.Webhook = "example.com" }, "--webhook"},
		{func(o *Options) { o.Organizations, o.Webhook = 2, "http://127.0.0.1:1/" }, "--webhook is for one"},
		{func(o *Options) { o.WriteConfig, o.Keep = "d", 1 }, "--keep is for one"},
		{func(o *Options) { o.Churn, o.Keep = 1, 1 }, "--keep repeats"},
	} {
		o := Options{Organizations: 1}
		test.change(&o)
		err := o.Validate()
		if (err == nil) != (test.want == "") || err != nil && !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: %v, want %s", o, err, test.want)
		}
	}
}

// told ends the simulation as soon as it has said how to ask.
type told struct {
	text bytes.Buffer
	then func(text string)
}

func (w *told) Write(b []byte) (int, error) {
	defer w.then(string(b))
	return w.text.Write(b)
}

func TestServe(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]Options{
		"one":  {Organizations: 1},
		"many": {Organizations: 3, PersonalToken: true, WriteConfig: filepath.Join(t.TempDir(), "dir"), Churn: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, stop := context.WithCancel(t.Context())
			defer stop()
			o.Addr, o.World.Customers = "127.0.0.1:0", 5
			out := &told{}
			out.then = func(text string) {
				defer stop()
				_, url, _ := strings.Cut(text, "POLAR_SERVER=")
				url, _, _ = strings.Cut(url, "\n")
				req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url+"/v1/orders/", nil)
				if err != nil {
					t.Error(err)
					return
				}
				_, token, _ := strings.Cut(text, "POLAR_ACCESS_TOKEN=")
				req.Header.Set("Authorization", "Bearer "+strings.Fields(token)[0])
				resp, err := http.DefaultClient.Do(req)
				if err != nil || resp.StatusCode != http.StatusOK {
					t.Errorf("%v %v", resp, err)
				}
			}
			if err := Serve(ctx, o, out, slog.New(slog.DiscardHandler)); err != nil {
				t.Fatal(err)
			}
			if o.WriteConfig == "" {
				return
			}
			if !strings.Contains(out.text.String(), polarsim.PersonalToken) {
				t.Error("the personal token is not shown:", out.text.String())
			}
			if _, err := os.Stat(filepath.Join(o.WriteConfig, "org_0003.yaml")); err != nil {
				t.Error(err)
			}
		})
	}
}
