package token

import "strings"

// Kind is what a token seems to be, by the prefix of its text. Source: server/polar/kit/crypto.py and the modules that name prefixes
// in polarsource/polar.
type Kind struct{ Name string }

// Organization access tokens are the kind that syncd is made for.
var organizationToken = Kind{"organization access token"}

var kinds = map[string]Kind{
	"polar_oat_":  organizationToken,
	"polar_pat_":  {"personal access token"},
	"polar_at_u_": {"OAuth token of a user"},
	"polar_at_o_": {"OAuth token of an organization"},
	"polar_rt_":   {"OAuth refresh token"},
	"polar_ci_":   {"OAuth client id"},
	"polar_cs_":   {"OAuth client secret"},
	"polar_cst_":  {"token of a customer's session"},
	"polar_whs_":  {"secret of a webhook endpoint"},
	"whsec_":      {"secret of a webhook endpoint"},
}

// KindOf tells which kind of token a text seems to be. The zero Kind: it looks like none of Polar's.
func KindOf(text string) Kind {
	for prefix, kind := range kinds {
		if strings.HasPrefix(text, prefix) {
			return kind
		}
	}
	return Kind{}
}

// IsOrganizations: it is the kind that syncd is made for.
func (k Kind) IsOrganizations() bool { return k == organizationToken }
