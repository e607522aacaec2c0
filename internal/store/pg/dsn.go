package pg

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// A URL of another kind, or quotes around one, would be read as keywords with strange names, and lead to the server of this
// machine.
var (
	surrounding = " \t\r\n\"'`\ufeff"
	otherURL    = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]*:`)
	ourURL      = regexp.MustCompile(`^postgres(ql)?://`)
	namedURL    = regexp.MustCompile(`(?i)^(export\s+)?\w*(url|dsn)\w*\s*[=:]`)
)

const form = "write postgres://user:password@host:5432/name or host=... user=... dbname=..."

// CheckDSN says what is wrong with a connection string. It repeats no part of it: what looks like a host can be half of a
// password.
func CheckDSN(dsn string) error {
	bare := strings.Trim(dsn, surrounding)
	isURL := ourURL.MatchString(bare)
	switch {
	case bare == "":
		return errors.New("it is empty: " + form)
	case strings.HasPrefix(dsn, "\ufeff"):
		return errors.New("it begins with a byte order mark (BOM): save the file as UTF-8 without one")
	case strings.ContainsAny(dsn[:1], "\"'`"):
		return errors.New("it is in quotes, which are taken as part of it: remove them (an --env-file keeps quotes)")
	case isURL && bare != dsn:
		return errors.New("blanks, quotes or line breaks surround the URL: remove them")
	case strings.HasPrefix(strings.ToLower(bare), "jdbc:"):
		return errors.New("it is a URL for JDBC: " + form)
	case !isURL && namedURL.MatchString(bare):
		return errors.New("it begins with the name of the setting: leave the name out, and what stands between it and the value")
	case !isURL && otherURL.MatchString(bare):
		return errors.New("it is not a URL of Postgres: " + form)
	}
	config, err := pgconn.ParseConfig(dsn)
	if isURL {
		if unescaped(dsn) {
			return errors.New(`a character such as @ # / ? or % in the password or the user must be percent-encoded: @ is %40, # is %23, / is %2F, ? is %3F, % is %25`)
		}
		if err != nil {
			return wrongURL(dsn, err)
		}
		return nil
	}
	if file, is := errors.AsType[*fs.PathError](err); is {
		return fmt.Errorf("a file that it names, such as by sslrootcert, cannot be read: %w", file.Err)
	}
	if err != nil {
		return errors.New("it cannot be read: " + form)
	}
	for name := range config.RuntimeParams {
		if !settingName.MatchString(name) {
			return errors.New("it cannot be read (a value with blanks must be in single quotes): " + form)
		}
	}
	return nil
}

// wrongURL says why a URL is refused. If the URL is valid without one of its parameters, that parameter is the cause.
func wrongURL(dsn string, cause error) error {
	if u, err := url.Parse(dsn); err == nil {
		for name := range u.Query() {
			rest := u.Query()
			rest.Del(name)
			without := *u
			without.RawQuery = rest.Encode()
			if _, err := pgconn.ParseConfig(without.String()); err != nil {
				continue
			}
			if file, is := errors.AsType[*fs.PathError](cause); is {
				return fmt.Errorf("the file that its parameter %s names cannot be read: %w", name, file.Err)
			}
			return fmt.Errorf("its parameter %s has a value that cannot be used: see the documentation of libpq", name)
		}
	}
	return errors.New("it is no URL that Postgres takes (special characters in the password must be percent-encoded): " + form)
}

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.$]*$`)

// cuttable: the password is among the settings of a connection string, so that the text after a blank or an & in it looks like
// another setting.
func cuttable(dsn string) bool {
	return !ourURL.MatchString(dsn) || strings.Contains(dsn, "password=")
}

// unescaped: the password of a URL, or its user, has a character that ends it too early. Then the rest is taken for something
// else, even for another host.
func unescaped(dsn string) bool {
	_, rest, _ := strings.Cut(dsn, "://")
	end := strings.IndexAny(rest, "/?#")
	if end < 0 {
		end = len(rest)
	}
	authority, beyond := rest[:end], rest[end:]
	if strings.Count(authority, "@") > 1 || strings.Contains(beyond, "#") {
		return true
	}
	path, query, _ := strings.Cut(beyond, "?")
	if strings.Contains(path, "@") || path == "" && !strings.Contains(authority, "@") && strings.Contains(query, "@") {
		return true
	}
	for pair := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); strings.Contains(name, "@") {
			return true
		}
	}
	user, _, found := strings.Cut(authority, "@")
	_, err := url.PathUnescape(user)
	return found && err != nil
}

// redactedDSN replaces a connection string of which nothing may be shown.
const redactedDSN = "[redacted]"

// RedactDSN returns a connection string as it may be shown: without its passwords, and not at all if they cannot be told from the
// rest.
func RedactDSN(dsn string) string {
	if dsn == "" {
		return ""
	}
	if CheckDSN(dsn) != nil { // half of a password can look like a host
		return redactedDSN
	}
	if !strings.Contains(dsn, "://") {
		return dsnPassword.ReplaceAllString(dsn, "${1}=xxxxx")
	}
	u, err := url.Parse(dsn)
	if err != nil {
		return redactedDSN
	}
	query := u.Query()
	for _, key := range []string{"password", "sslpassword"} {
		if query.Has(key) {
			query.Set(key, "xxxxx")
			u.RawQuery = query.Encode()
		}
	}
	return u.Redacted()
}

// dsnPassword finds the passwords in key=value form, quoted or not.
var dsnPassword = regexp.MustCompile(`\b((?:ssl)?password)\s*=\s*('(?:[^'\\]|\\.)*'|\S+)`)
