// Package pack says which rows of a list one request brings together, so that what has changed is fetched with few of them.
package pack
