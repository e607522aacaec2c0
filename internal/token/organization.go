package token

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"syncd/internal/fetch"
	"syncd/internal/item"
)

// ErrOrganization: the organization of the token is unknown, or the wrong one.
var ErrOrganization = errors.New("organization")

// Organization asks which organization the token of a client belongs to. want is the one that it must be; "" = any.
//
// The token must be of one organization, or act on the one that the client names in each request. A personal token sees all
// organizations of its user, whose orders and subscriptions could not be told apart. Whether Polar honours the name shows in its list
// of organizations: it has that one, and no other.
func Organization(ctx context.Context, c *fetch.Client, want string) (uuid.UUID, error) {
	id, err := organization(ctx, c)
	if err == nil && want != "" && want != id.String() {
		err = fmt.Errorf("%w: the token is for %s, the configuration says %s: use a token of that organization, or correct POLAR_ORGANIZATION_ID", ErrOrganization, id, want)
	}
	return id, err
}

func organization(ctx context.Context, c *fetch.Client) (uuid.UUID, error) {
	page, err := c.Page(ctx, "/v1/organizations/", map[string][]string{"limit": {"2"}, "page": {"1"}})
	switch {
	case errors.Is(err, fetch.ErrScope) && c.ActsOn() != "":
		return uuid.UUID{}, fmt.Errorf("%w: whether Polar lets this token act on %s alone shows in the list of organizations: give the token the scope organizations:read: %w", ErrOrganization, c.ActsOn(), err)
	case errors.Is(err, fetch.ErrScope):
		return organizationOf(ctx, c, err)
	case err != nil:
		return uuid.UUID{}, err
	case page.TotalCount > 1 && c.ActsOn() != "":
		return uuid.UUID{}, fmt.Errorf("%w: %s does not honour the header Polar-Organization: it was told to act on %s, and lists %d organizations: use an organization access token for each, and leave polar_organization_header out", ErrOrganization, c.Server(), c.ActsOn(), page.TotalCount)
	case page.TotalCount > 1:
		return uuid.UUID{}, fmt.Errorf("%w: the token sees %d organizations, and the rows of several could not be told apart: use an organization access token (Polar: Settings, Developers), not a personal one, or name the one that is meant (polar_organization_header)", ErrOrganization, page.TotalCount)
	case len(page.Items) == 0:
		return uuid.UUID{}, fmt.Errorf("%w: Polar shows none to this token; a blocked organization is hidden: ask Polar, nothing was changed here", ErrOrganization)
	}
	id, err := item.FieldID(page.Items[0], "id")
	if err != nil {
		return uuid.UUID{}, fmt.Errorf("%w: %s lists one without a usable id: %w", ErrOrganization, "/v1/organizations/", err)
	}
	return id, nil
}

// organizationOf finds the organization through rows that name it, for a token without the scope to read it.
func organizationOf(ctx context.Context, c *fetch.Client, cause error) (uuid.UUID, error) {
	for _, path := range []string{"/v1/products/", "/v1/customers/", "/v1/payments/"} {
		page, err := c.Page(ctx, path, map[string][]string{"limit": {"1"}, "page": {"1"}})
		if errors.Is(err, fetch.ErrScope) {
			continue
		}
		if err != nil {
			return uuid.UUID{}, err
		}
		for _, object := range page.Items {
			if id, err := item.FieldID(object, "organization_id"); err == nil {
				return id, nil
			}
		}
	}
	return uuid.UUID{}, fmt.Errorf("%w: cannot tell which one the token is for; give it the scope organizations:read: %w", ErrOrganization, cause)
}
