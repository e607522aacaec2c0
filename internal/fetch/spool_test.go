package fetch

import (
	"errors"
	"os"
	"testing"
)

// A full disk is told at once, as what it is.
func TestSpoolOnAFullDisk(t *testing.T) {
	t.Parallel()
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Skip("no /dev/full here")
	}
	defer full.Close()
	if _, err := (writerOf{full}).Write([]byte("x")); err == nil {
		t.Error("a full disk was written to")
	} else if _, is := errors.AsType[*errWrite](err); !is {
		t.Errorf("a full disk: %v", err)
	}
}
