package polarsim

import (
	"net/http"
	"strings"
)

// endpointForm reads what a body says of an endpoint.
func (c *call) endpointForm(e *Endpoint) bool {
	f, ok := c.form()
	if !ok {
		return false
	}
	f.organization()
	if f.sent("url") {
		e.URL = f.required("url", 9, 2000)
		if !strings.HasPrefix(e.URL, "https://") {
			f.wrong("url", "url_scheme", "'https'")
		}
	} else if e.URL == "" {
		f.missing("url")
	}
	if f.sent("name") {
		e.Name = f.text("name", 1000)
	}
	if f.sent("format") {
		e.Format = firstOf(f.enum("format", "raw", "discord", "slack"), e.Format)
	} else if e.Format == "" {
		f.missing("format")
	}
	if f.sent("events") {
		e.Events = f.texts("events")
		for i, event := range e.Events {
			checkEnum(f.problems, append(f.at("events"), i), event, webhookTypes)
		}
	} else if e.Events == nil {
		f.missing("events")
	}
	if f.sent("enabled") && !f.null("enabled") {
		e.Enabled = f.bool("enabled")
	}
	if f.sent("secret") && !f.null("secret") {
		e.Secret = f.required("secret", 32, 1000)
	}
	return !c.invalid(f.problems)
}

func (c *call) createEndpoint(r *resource) {
	e := Endpoint{Enabled: true, Standard: true, Secret: c.w.secret(len(c.w.hooks.endpoints))}
	if !c.endpointForm(&e) {
		return
	}
	e.CreatedAt = c.w.stamp()
	c.w.hooks.endpoints = append(c.w.hooks.endpoints, e)
	c.row(r, Ref(len(c.w.hooks.endpoints)-1), http.StatusCreated)
}

// endpoint finds the live endpoint of the path.
func (c *call) endpoint() (n Ref, ok bool) {
	n, ok = c.id("id", KindWebhookEndpoint, len(c.w.hooks.endpoints))
	if ok && c.w.hooks.endpoints[n].DeletedAt != 0 {
		c.notFound()
		return None, false
	}
	return n, ok
}

func (c *call) updateEndpoint(r *resource) {
	n, ok := c.endpoint()
	if !ok {
		return
	}
	e := c.w.hooks.endpoints[n]
	if !c.endpointForm(&e) {
		return
	}
	e.ModifiedAt = c.w.stamp()
	c.w.hooks.endpoints[n] = e
	c.row(r, n, http.StatusOK)
}

func (c *call) deleteEndpoint(*resource) {
	if n, ok := c.endpoint(); ok {
		e := &c.w.hooks.endpoints[n]
		e.DeletedAt = c.w.stamp()
		e.ModifiedAt = e.DeletedAt
		c.status = http.StatusNoContent
	}
}
