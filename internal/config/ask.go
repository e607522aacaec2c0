package config

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// questions are what has no default that would do for everybody. A value of unless answers, too.
var questions = []struct{ key, unless, ask, def string }{
	{"database_url", "database_url_file", "Postgres database, such as postgres://syncd@db.internal/app", ""},
	{"schema", "", "Schema of the data", "polar"},
	{"polar_server", "", "Polar: production, sandbox or a URL", "production"},
	{"polar_access_token_file", "", "File that holds the access token", "polar_access_token"},
}

// Ask asks for what the values lack, and again for what cannot be used.
func (d Domain) Ask(in io.Reader, out io.Writer, values map[string]string) error {
	lines := bufio.NewReader(in)
	for _, q := range questions {
		for values[q.key] == "" && (q.unless == "" || values[q.unless] == "") {
			prompt := q.ask
			if q.def != "" {
				prompt += " [" + q.def + "]"
			}
			fmt.Fprint(out, prompt+": ")
			text, err := lines.ReadString('\n')
			if text = strings.TrimSpace(text); text == "" && err == nil {
				text = q.def
			}
			switch wrong := d.Check(map[string]string{q.key: text}); {
			case text == "" && err != nil:
				return errors.New("the questions were not answered: nothing was written")
			case text == "":
			case wrong != nil:
				fmt.Fprintln(out, wrong)
			default:
				values[q.key] = text
			}
		}
	}
	return nil
}

// Next says what is to be done after a file with these values was written.
func Next(path string, values map[string]string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "Wrote %s, readable by you alone.", path)
	if values["database_url"]+values["database_url_file"] == "" {
		b.WriteString(" Set database_url there, or SYNCD_DATABASE_URL.")
	}
	if token := values["polar_access_token_file"]; token == "" {
		b.WriteString(" Set polar_access_token_file there, or POLAR_ACCESS_TOKEN.")
	} else if _, err := os.Stat(token); err != nil {
		b.WriteString(" Write the access token into " + token + ".")
	}
	fmt.Fprintf(&b, ` Next:

  syncd check --config %[1]s    # would it work?
  syncd plan --config %[1]s     # what it costs in requests
  syncd sync --config %[1]s     # makes the tables and fills them
  syncd run --config %[1]s      # keeps them current
`, path)
	return b.String()
}
