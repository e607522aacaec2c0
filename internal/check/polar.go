package check

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"time"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/token"
)

// polar is what is found there.
type polar struct {
	Config
	lines
	organization uuid.UUID // of the token; Nil = unknown
	scopes       []token.Scope
	ahead        *time.Duration // its clock before that of this machine; nil = unknown
}

func (p *polar) check(ctx context.Context) {
	var err error
	p.organization, err = token.Organization(ctx, p.Client, p.OrganizationID)
	if err != nil {
		p.organization = uuid.Nil
	}
	switch {
	case errors.Is(err, fetch.ErrAuth):
		p.add("polar", OK, "", "%s answers", p.Client.Server())
		line := failed("token", err)
		if kind := token.KindOf(p.Token); kind.Name != "" && !kind.IsOrganizations() {
			line.Found += "; by its prefix it is a " + kind.Name
		}
		p.lines = append(p.lines, line)
		return
	case errors.Is(err, token.ErrOrganization):
		p.add("polar", OK, "", "%s answers", p.Client.Server())
		p.fail("organization", err)
		return
	case err != nil:
		p.fail("polar", err)
		return
	}
	p.add("polar", OK, "", "%s answers", p.Client.Server())
	p.kind()
	p.version(ctx)
	p.budget()
	p.ask(ctx)
}

// kind says which kind the token is.
func (p *polar) kind() {
	switch kind := token.KindOf(p.Token); {
	case kind.IsOrganizations():
		p.add("token", OK, "", "is taken, and is an %s", kind.Name)
	case kind.Name != "" && p.Client.ActsOn() != "":
		p.add("token", OK, "", "is taken, is a %s, and acts on organization %s alone", kind.Name, p.Client.ActsOn())
	case kind.Name != "":
		p.add("token", Warn, "make an organization access token, which sees one organization whatever its user joins", "is taken, and is a %s", kind.Name)
	default:
		p.add("token", OK, "", "is taken")
	}
}

// version says until when the requested version of the API is served.
func (p *polar) version(ctx context.Context) {
	name := p.Client.Version()
	sent := time.Now()
	answer, err := fetch.NewRawClient(p.Client).Send(ctx, fetch.RawRequest{Path: "/v1/organizations/", Query: url.Values{"limit": {"1"}}})
	if err != nil {
		p.fail("version", err)
		return
	}
	if date, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		// A Date is cut to the second.
		ahead := date.Add(time.Second / 2).Sub(sent.Add(time.Since(sent) / 2))
		p.ahead = &ahead
	}
	v, known := fetch.FindVersion(name)
	told := ""
	if at, err := http.ParseTime(answer.Header.Get("Sunset")); err == nil {
		v.Ends, told = at, ", as Polar says"
	}
	switch retired := p.Client.RetiredVersion(); {
	case retired != "":
		p.add("version", Warn, "set polar_version to "+name+", or upgrade syncd", "Polar has retired %s of its API and answers in %s", retired, name)
	case !known && told == "":
		p.add("version", Warn, "upgrade syncd", "%s of the API is unknown to this syncd", name)
	case v.DaysLeft(p.Client.Now()) < p.WarnDays:
		p.add("version", Warn, "set polar_version to a newer one, or upgrade syncd", "%s of the API is served until %s%s", name, v.Ends.Format(time.DateOnly), told)
	default:
		p.add("version", OK, "", "%s of the API is served until %s%s", name, v.Ends.Format(time.DateOnly), told)
	}
}

// budget says how many requests may be sent.
func (p *polar) budget() {
	switch budget, limit := p.Client.Budget().PerMinute, p.Client.DefaultLimit(); {
	case budget == 0:
		p.add("budget", Warn, "set requests_per_minute", "there is none")
	case budget >= limit:
		p.add("budget", Warn, "lower requests_per_minute, unless Polar allows the organization more", "%d requests a minute, and Polar allows %d by default, the shop's own included", budget, limit)
	default:
		p.add("budget", OK, "", "%d requests a minute, of the %d that Polar allows by default", budget, limit)
	}
}

// ask finds out which scopes the token has.
func (p *polar) ask(ctx context.Context) {
	scopes, err := token.Ask(ctx, p.Client, p.Scopes)
	if err != nil {
		p.fail("scopes", err)
		return
	}
	p.scopes = scopes
	sum := token.Sum(scopes)
	if sum == "" {
		p.add("scopes", OK, "", "all %d are there", len(scopes))
		return
	}
	line := Line{Name: "scopes", State: Warn, Found: sum, Remedy: "add them to the token in Polar's settings of the organization"}
	for _, s := range scopes {
		if s.Lacking {
			line.Streams = append(line.Streams, s.Streams...)
		}
	}
	p.lines = append(p.lines, line)
}
