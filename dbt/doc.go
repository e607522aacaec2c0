// Package dbt has a package for dbt, and the test that runs its models' SQL.
package dbt
