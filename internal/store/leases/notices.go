package leases

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Notice is something that whoever runs an organization should know.
type Notice struct{ Organization, Changed string }

// Note keeps notices for those who run these organizations. What is there already is kept once.
func (l *Leases) Note(ctx context.Context, list []Notice) error {
	organizations, changed := make([]string, len(list)), make([]string, len(list))
	for i, n := range list {
		organizations[i], changed[i] = n.Organization, n.Changed
	}
	_, err := l.pool.Exec(ctx, "INSERT INTO notices (organization, changed) SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING", organizations, changed)
	if err != nil {
		return fmt.Errorf("keep what webhooks name: %w", err)
	}
	return nil
}

// Noted takes the notices of organizations that this replica holds, out of these. It forgets those that nobody has taken for an hour.
func (l *Leases) Noted(ctx context.Context, names []string) ([]Notice, error) {
	rows, err := l.pool.Query(ctx, `
		WITH old AS (DELETE FROM notices WHERE at < clock_timestamp() - interval '1 hour')
		DELETE FROM notices n USING organizations o
		WHERE o.name = n.organization AND o.holder = $1 AND o.name = ANY($2) AND n.at >= clock_timestamp() - interval '1 hour'
		RETURNING n.organization, n.changed`, l.ID, names)
	if err == nil {
		var list []Notice
		if list, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Notice]); err == nil {
			return list, nil
		}
	}
	return nil, fmt.Errorf("take what webhooks name: %w", err)
}
