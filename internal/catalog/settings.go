package catalog

import (
	"syncd/internal/fetch/scan"
	"syncd/internal/item"
	"syncd/internal/mirror/streams"
	"syncd/internal/store"
	"syncd/internal/store/db"
	"syncd/internal/tail"
)

// settingStreams are what an organization has set up, and the metrics that Polar computes.
func settingStreams() []Entry {
	return []Entry{
		{
			Stream: streams.Stream{Name: "metric_dashboards", Path: "/v1/metrics/dashboards", Get: "/v1/metrics/dashboards/{id}", Scope: "metrics:read",
				Scan:  scan.Array{},
				Table: store.TableOf((*db.Queries).MetricDashboardsUpsert),
			},
			Personal: map[string]Personal{"metric_dashboards": {None: "name metrics"}},
			Tail:     tail.Spec{Slow: []tail.Probe{tail.Whole{}}, Unseen: unseenWhole},
		},

		{
			Stream: streams.Stream{Name: "metrics", Path: "/v1/metrics/", Scope: "metrics:read",
				Blind: "later changes: Polar computes past periods again as late events and refunds come in",
				Scan:  scan.Metrics{Intervals: []string{"day", "month"}},
				Table: store.TableOf((*db.Queries).MetricsUpsert),
			},
			Personal: map[string]Personal{"metrics": {None: "interval timezone slug type display_name"}},
			Tail:     tail.Spec{Unseen: "everything: metrics cost few requests whatever their number, so they are swept hourly or more often instead"},
			Schedule: "@every 1h", // they change by the hour, and cost a handful of requests whatever the size of the organization
		},

		// Whoever has the URL of a Slack or Discord webhook can post there, and other URLs may hold a key. So it is a secret like
		// the one that signs.
		{
			Stream: streams.Stream{Name: "webhook_endpoints", Path: "/v1/webhooks/endpoints", Get: "/v1/webhooks/endpoints/{id}", Scope: "webhooks:read",
				Expect: item.Expect{
					Sparse: []string{"api_version", "uses_standard_webhook_signature"}, // since October 2026
					Enums:  map[string][]string{"format": {"raw", "discord", "slack"}},
				},
				Scan:    scan.Offset{Fixed: []string{"-created_at"}},
				Secrets: []string{"secret", "url"},
				Table:   store.TableOf((*db.Queries).WebhookEndpointsUpsert),
			},
			Personal: map[string]Personal{"webhook_endpoints": {None: "name format events api_version"}},
			Tail:     tail.Spec{Slow: []tail.Probe{tail.Whole{}}, Unseen: unseenWhole},
		},

		// Since 2026-06-22 Polar answers this list only for web sessions. Source: organization_access_token/auth.py.
		{
			Stream: streams.Stream{Name: "organization_access_tokens", Path: "/v1/organization-access-tokens/", Scope: "organization_access_tokens:read",
				Scan:     scan.Offset{Sort: []string{"-created_at", "comment"}},
				Embedded: []string{"token"},
				Table:    store.TableOf((*db.Queries).OrganizationAccessTokensUpsert),
				Optional: true,
			},
			Personal: map[string]Personal{"organization_access_tokens": {None: "comment scopes"}},
			Tail:     tail.Spec{Unseen: "everything"},
		},
	}
}
