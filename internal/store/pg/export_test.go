package pg

import (
	"context"

	"syncd/migrations"
	"syncd/views"
)

// TakePooler has the pool do as through a pooler, where it is connected to the server itself.
func (p *Pool) TakePooler() { p.session.pooled = true }

// MakeViews makes the views of these files in place of the program's own.
func (p *Pool) MakeViews(ctx context.Context, files ...views.File) ([]string, error) {
	return p.makeViews(ctx, files)
}

// Up applies these migrations in place of the program's own.
func (p *Pool) Up(ctx context.Context, list []migrations.Migration) ([]string, error) {
	return p.up(ctx, list)
}
