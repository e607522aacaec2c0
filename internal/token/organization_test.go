package token_test

import (
	"errors"
	"net/http/httptest"
	"strings"
	"testing"

	"syncd/internal/fetch"
	"syncd/internal/polarsim"
	"syncd/internal/token"
)

// A token of many organizations is taken only where Polar lists the one that each request names, and no other.
func TestTokenOfManyOrganizations(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		honoured bool
		actsOn   int // 0 = the requests name none
		says     string
	}{
		{"honoured", true, 2, ""},
		{"not honoured", false, 2, "does not honour the header Polar-Organization"},
		{"none is named", true, 0, "the token sees 3 organizations"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			fleet := polarsim.NewFleet(polarsim.FleetOptions{Organizations: 3, World: polarsim.Options{Seed: 1, Customers: 1}, Header: tc.honoured})
			server := httptest.NewServer(fleet)
			defer server.Close()
			cfg := fetch.Config{Server: server.URL, Token: polarsim.PersonalToken, RequestsPerMinute: -1}
			if tc.actsOn > 0 {
				cfg.ActsOn = fleet.ID(tc.actsOn)
			}
			client, err := fetch.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			id, err := token.Organization(t.Context(), client, cfg.ActsOn)
			if tc.says == "" {
				if err != nil || id.String() != fleet.ID(tc.actsOn) {
					t.Errorf("it acts on %s, %v", id, err)
				}
			} else if !errors.Is(err, token.ErrOrganization) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("it acts on %s, %v", id, err)
			}
		})
	}
}
