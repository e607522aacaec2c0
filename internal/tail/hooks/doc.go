// Package hooks tells which changes the webhook endpoints of an organization are sent, and what they lack to be sent all.
package hooks
