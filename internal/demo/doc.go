// Package demo tells what syncd is for, on a private Postgres and a simulated Polar: a first copy that is killed and goes on, a
// change that arrives within seconds, a damage that an audit mends, and answers.
package demo
