package sheet

import (
	"bufio"
	"errors"
	"fmt"
	"io"
)

// csvReader reads records as Python's csv module writes them in its dialect excel (polarsource/polar, server/polar/kit/csv.py):
// commas, fields in quotes where they hold a comma, a quote or a line break, doubled quotes, CR LF after every record. It is
// exact: unlike encoding/csv it keeps CR LF inside quotes. It is strict: anything else is a sign that the file was cut or
// mangled.
type csvReader struct {
	r      *bufio.Reader
	record int // number of the current record, from 1
	buf    []byte
	ends   []int
}

// maxRecord bounds one record. A customer's metadata have at most 50 keys of 500 characters.
const maxRecord = 8 << 20

func newCSVReader(r io.Reader) *csvReader {
	return &csvReader{r: bufio.NewReaderSize(r, 64<<10)}
}

// Read returns the fields of the next record, which are valid until the next call. The error is io.EOF after the last record,
// io.ErrUnexpectedEOF where the file ends within one.
func (c *csvReader) Read() (fields [][]byte, err error) {
	c.buf, c.ends = c.buf[:0], c.ends[:0]
	c.record++
	for first := true; ; first = false {
		b, err := c.r.ReadByte()
		if first && errors.Is(err, io.EOF) {
			return nil, io.EOF
		}
		if err != nil {
			return nil, c.broken(unexpected(err))
		}
		var end byte
		if b == '"' {
			end, err = c.quoted()
		} else {
			end, err = c.plain(b)
		}
		if err != nil {
			return nil, c.broken(err)
		}
		c.ends = append(c.ends, len(c.buf))
		if end == '\n' {
			return c.fields(), nil
		}
	}
}

func (c *csvReader) fields() [][]byte {
	fields := make([][]byte, len(c.ends))
	start := 0
	for i, end := range c.ends {
		fields[i], start = c.buf[start:end:end], end
	}
	return fields
}

// plain reads a field without quotes, from its first byte on. It returns the comma or line feed that ends it.
func (c *csvReader) plain(b byte) (end byte, err error) {
	for {
		switch b {
		case ',':
			return ',', nil
		case '\r':
			return c.lineFeed()
		case '\n', '"':
			return 0, fmt.Errorf("%q in a field without quotes", b)
		}
		if err := c.add(b); err != nil {
			return 0, err
		}
		if b, err = c.r.ReadByte(); err != nil {
			return 0, unexpected(err)
		}
	}
}

// quoted reads a field after its opening quote. It returns the comma or line feed that follows the closing quote.
func (c *csvReader) quoted() (end byte, err error) {
	for {
		b, err := c.r.ReadByte()
		if err != nil {
			return 0, unexpected(err)
		}
		if b == '"' {
			if b, err = c.r.ReadByte(); err != nil {
				return 0, unexpected(err)
			}
			switch b {
			case ',':
				return ',', nil
			case '\r':
				return c.lineFeed()
			case '"':
			default:
				return 0, fmt.Errorf("%q after a field in quotes", b)
			}
		}
		if err := c.add(b); err != nil {
			return 0, err
		}
	}
}

func (c *csvReader) lineFeed() (byte, error) {
	b, err := c.r.ReadByte()
	if err != nil {
		return 0, unexpected(err)
	}
	if b != '\n' {
		return 0, errors.New("a carriage return without a line feed")
	}
	return b, nil
}

func (c *csvReader) add(b byte) error {
	if len(c.buf) >= maxRecord {
		return fmt.Errorf("a record of more than %d bytes", maxRecord)
	}
	c.buf = append(c.buf, b)
	return nil
}

// unexpected turns io.EOF into io.ErrUnexpectedEOF: the file ends where it should go on.
func unexpected(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

func (c *csvReader) broken(err error) error { return fmt.Errorf("record %d: %w", c.record, err) }
