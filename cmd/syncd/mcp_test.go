package main

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"syncd/internal/localpg/pgtest"
	"syncd/internal/polarsim"
	"syncd/internal/slowtest"
)

// An assistant starts the program, which makes what it reads by, and hears of each answer what `syncd verify` says of the streams behind it.
func TestMCP(t *testing.T) {
	t.Parallel()
	slowtest.Mark(t)
	url, _ := simulated(t, polarsim.ServerOptions{})
	environ := map[string]string{"SYNCD_DATABASE_URL": pgtest.Empty(t), "POLAR_ACCESS_TOKEN": simulatedToken, "POLAR_SERVER": url}
	program(t, environ, exitComplete, "sync", "products")
	program(t, environ, exitUsage, "mcp", "--role", "nobody_at_all")
	cmd := exec.CommandContext(t.Context(), "syncd", "mcp")
	cmd.Env = append(os.Environ(), "SYNCD_DATABASE_URL="+environ["SYNCD_DATABASE_URL"])
	s, err := sdk.NewClient(&sdk.Implementation{Name: "test", Version: "1"}, nil).Connect(t.Context(), &sdk.CommandTransport{Command: cmd}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		tool string
		args map[string]any
		want string
	}{
		{"list_products", nil, `"about":\{"data_through":"20[0-9-]+T[0-9:.]+Z","verdict":"whole","streams":\[\{"stream":"products","verdict":"whole",`},
		{"list_orders", nil, `"about":\{"verdict":"not known to be whole","streams":\[\{"stream":"orders","verdict":"missing","reason":"never swept"`},
		{"run_sql", map[string]any{"sql": "SELECT current_user, count(*) > 0 FROM products"}, `\[\["polar_safe_reader",true\]\]`},
	} {
		res, err := s.CallTool(t.Context(), &sdk.CallToolParams{Name: c.tool, Arguments: c.args})
		if err != nil {
			t.Fatal(err)
		}
		if text := res.Content[0].(*sdk.TextContent).Text; res.IsError || !regexp.MustCompile(c.want).MatchString(text) {
			t.Errorf("%s: %.400s; want %s", c.tool, text, c.want)
		}
	}
	if err := s.Close(); err != nil {
		t.Errorf("the program does not end well with the session: %v", err)
	}
}
