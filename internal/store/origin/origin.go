// Package origin keeps what is known of where a mirror comes from: the organization at Polar, the version of the API, the last answer.
package origin

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"syncd/internal/store/db"
)

// ErrOtherOrganization: the schema mirrors another organization.
var ErrOtherOrganization = errors.New("schema belongs to another organization")

// Polar is the handle.
type Polar struct {
	q      *db.Queries
	schema string
}

// New returns the handle of a schema.
func New(q *db.Queries, schema string) Polar { return Polar{q, schema} }

// BindOrganization ties the schema to one organization for good. It refuses a second one with ErrOtherOrganization: most of
// Polar's objects name no organization, so rows of two could not be told apart.
func (p Polar) BindOrganization(ctx context.Context, organization uuid.UUID, server string) error {
	got, err := p.q.MetaBind(ctx, db.MetaBindParams{OrganizationID: organization, Server: server})
	if err != nil {
		return fmt.Errorf("bind schema %q to organization %s: %w", p.schema, organization, err)
	}
	return p.refuse(got, organization)
}

// refuse is the error of an organization other than the one that the schema is tied to.
func (p Polar) refuse(bound db.MetaBindRow, organization uuid.UUID) error {
	if bound.OrganizationID == organization {
		return nil
	}
	return fmt.Errorf("%w: schema %q mirrors organization %s (read from %s), the token is for %s: choose another schema (--schema) or the right token",
		ErrOtherOrganization, p.schema, bound.OrganizationID, bound.Server, organization)
}

// CheckOrganization refuses what BindOrganization would, and writes nothing. The schema may be missing, or an older one.
func (p Polar) CheckOrganization(ctx context.Context, organization uuid.UUID) error {
	m, err := p.q.MetaGet(ctx)
	if err != nil { // nothing is tied yet, as far as this can be told
		return nil //nolint:nilerr // BindOrganization comes after the migrations, and tells what is wrong
	}
	return p.refuse(db.MetaBindRow{OrganizationID: m.OrganizationID, Server: m.Server}, organization)
}

// Organization is the organization that the schema is tied to; false if there is none yet.
func (p Polar) Organization(ctx context.Context) (uuid.UUID, bool, error) {
	m, err := p.q.MetaGet(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return uuid.UUID{}, false, nil
	}
	if err != nil {
		return uuid.UUID{}, false, fmt.Errorf("read the organization of schema %q: %w", p.schema, err)
	}
	return m.OrganizationID, true, nil
}

// Version is the version of Polar's API that the mirror was last read in.
type Version struct {
	Name    string    // "" = none yet
	Retired string    // the configured version, if Polar no longer serves it
	Since   time.Time // since when both are so
}

// SetVersion records the requested version of Polar's API. It writes only changes.
func (p Polar) SetVersion(ctx context.Context, v Version) error {
	var retired *string
	if v.Retired != "" {
		retired = &v.Retired
	}
	if err := p.q.MetaVersion(ctx, db.MetaVersionParams{Version: &v.Name, Retired: retired}); err != nil {
		return fmt.Errorf("note the version of the API: %w", err)
	}
	return nil
}

// Version is the version that SetVersion recorded last.
func (p Polar) Version(ctx context.Context) (v Version, err error) {
	m, err := p.q.MetaVersionGet(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return v, nil
	}
	if err != nil {
		return v, fmt.Errorf("read the version of the API: %w", err)
	}
	if m.PolarVersion != nil {
		v.Name = *m.PolarVersion
	}
	if m.PolarVersionRetired != nil {
		v.Retired = *m.PolarVersionRetired
	}
	if m.PolarVersionAt != nil {
		v.Since = *m.PolarVersionAt
	}
	return v, nil
}

// NoteAnswer records that Polar answered this long ago. Times are the database's, whatever the host's clock shows.
func (p Polar) NoteAnswer(ctx context.Context, ago time.Duration) error {
	if err := p.q.PolarAnswered(ctx, ago.Seconds()); err != nil {
		return fmt.Errorf("record that Polar answered: %w", err)
	}
	return nil
}

// LastAnswer is when Polar last answered any process on this schema, and how long ago that is; zero if it never did.
func (p Polar) LastAnswer(ctx context.Context) (at time.Time, ago time.Duration, err error) {
	row, err := p.q.PolarLastAnswer(ctx)
	if errors.Is(err, pgx.ErrNoRows) {
		return time.Time{}, 0, nil
	}
	if err != nil {
		return time.Time{}, 0, fmt.Errorf("read when Polar last answered: %w", err)
	}
	return row.AnsweredAt.UTC(), time.Duration(row.SecondsAgo * float64(time.Second)), nil
}
