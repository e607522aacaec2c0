// Package demo shows syncd at work: a private Postgres, a simulated Polar, a sync from one to the other, a comparison, and answers.
package demo
