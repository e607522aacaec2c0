// Package manual tells of the command line what the help tells, in other forms: a page for man, and completion for shells.
package manual
