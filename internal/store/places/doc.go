// Package places tells where in Polar's lists the rows of a table are: by which filter, and at what time.
package places
