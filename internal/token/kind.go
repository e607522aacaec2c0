package token

import "strings"

// Kind is what a token seems to be, by the prefix of its text. Source: server/polar/kit/crypto.py and the modules that name prefixes
// in polarsource/polar.
type Kind struct {
	Name string
	// Works: Polar takes such a token for the lists that syncd reads.
	Works bool
}

// Organization access tokens are the kind that syncd is made for.
var organizationToken = Kind{"organization access token", true}

var kinds = map[string]Kind{
	"polar_oat_":  organizationToken,
	"polar_pat_":  {"personal access token", true},
	"polar_at_u_": {"OAuth token of a user", true},
	"polar_at_o_": {"OAuth token of an organization", true},
	"polar_rt_":   {"OAuth refresh token", false},
	"polar_ci_":   {"OAuth client id", false},
	"polar_cs_":   {"OAuth client secret", false},
	"polar_cst_":  {"token of a customer's session", false},
	"polar_whs_":  {"secret of a webhook endpoint", false},
	"whsec_":      {"secret of a webhook endpoint", false},
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
