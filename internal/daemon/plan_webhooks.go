package daemon

import (
	"cmp"
	"strings"

	"syncd/internal/config"
	"syncd/internal/tail"
)

// WebhookPlan is what receiving webhooks adds.
type WebhookPlan struct {
	Listen  string   `json:"listen"`
	Streams []string `json:"streams"`         // whose changes they tell of
	Lacks   string   `json:"lacks,omitempty"` // what has to be there so that any come
}

// planWebhooks says of which streams webhooks tell; nil where none are received.
func planWebhooks(cfg *config.Config, costs []tail.Cost) *WebhookPlan {
	if cfg.WebhookListen == "" {
		return nil
	}
	p := &WebhookPlan{Listen: cfg.WebhookListen}
	lacks := ""
	for _, c := range costs {
		if c.IsDelivered() {
			p.Streams = append(p.Streams, c.Stream)
		} else if lacks == "" && c.LacksEndpoint() {
			lacks = c.Lacks
		}
	}
	if len(p.Streams) == 0 {
		p.Lacks = cmp.Or(lacks, "a stream that webhooks tell of")
	}
	return p
}

// Described is the plan in words.
func (p *WebhookPlan) Described() string {
	if len(p.Streams) == 0 {
		return "Webhooks are received at " + p.Listen + ", and none will come. Missing: " + p.Lacks + "."
	}
	return "A webhook that comes to " + p.Listen + " shows a change after about a second, of " + strings.Join(p.Streams, ", ") +
		".\nWithout it the change shows within the time above."
}
