package polarsim

func (w *World) renderEndpoint(o *object, n Ref) {
	e := &w.hooks.endpoints[n]
	o.open()
	o.times(e.CreatedAt, e.ModifiedAt)
	o.id("id", w.id(KindWebhookEndpoint, int(n)))
	o.str("url", e.URL)
	o.text("name", e.Name)
	o.str("format", e.Format)
	o.str("secret", e.Secret)
	w.organization(o)
	list(o, "events", e.Events, func(o *object, s string) { o.b = appendString(o.b, s) })
	o.bool("enabled", e.Enabled)
	o.str("api_version", CurrentVersion)
	o.bool("uses_standard_webhook_signature", e.Standard)
	o.close()
}

func (w *World) renderDelivery(o *object, n Ref) {
	d := &w.hooks.deliveries[n]
	e := &w.hooks.events[d.event]
	answered := succeeded(d.code)
	o.open()
	o.times(d.at, 0)
	o.id("id", w.id(KindWebhookDelivery, int(n)))
	o.bool("succeeded", answered)
	switch {
	case d.code == 0:
		o.null("http_code")
		o.null("response")
	case answered:
		o.int("http_code", int64(d.code))
		o.str("response", `{"ok":true}`)
	default:
		o.int("http_code", int64(d.code))
		o.str("response", "Bad Gateway")
	}
	o.key("webhook_event")
	o.open()
	o.times(e.at, d.at)
	o.id("id", w.id(KindWebhookEvent, int(d.event)))
	if e.code == 0 {
		o.null("last_http_code")
	} else {
		o.int("last_http_code", int64(e.code))
	}
	o.bool("succeeded", succeeded(e.code))
	o.bool("skipped", false)
	archived := w.now-e.at > archiveAfter
	if archived {
		o.null("payload")
	} else {
		o.str("payload", w.sent(d.event, e))
	}
	o.str("type", e.kind)
	o.bool("is_archived", archived)
	o.close()
	o.close()
}

// sent is the text of an event. Once sent it stays the same, whatever becomes of the row.
func (w *World) sent(n Ref, e *webhookEvent) string {
	if e.payload != "" {
		return e.payload
	}
	if text, ok := w.hooks.payloads.Load(n); ok {
		if s, isText := text.(string); isText {
			return s
		}
	}
	text, _ := w.hooks.payloads.LoadOrStore(n, w.payload(e.kind, e.about, e.row, e.at))
	s, _ := text.(string) // nothing else is stored
	return s
}
