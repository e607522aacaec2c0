package polarsim

import (
	"fmt"
	"os"
	"path/filepath"

	"syncd/internal/privatefile"
)

// WriteConfig writes a file of settings for each organization, as syncd's organizations_dir takes them.
func (f *Fleet) WriteConfig(dir, server string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("make the directory of the organizations: %w", err)
	}
	for n := 1; n <= len(f.each); n++ {
		text := fmt.Sprintf("polar_server: %s\npolar_access_token: %s\nschema: polar_%s\n", server, f.Token(n), f.Name(n))
		if err := privatefile.Write(filepath.Join(dir, "org_"+f.Name(n)+".yaml"), []byte(text), true); err != nil {
			return err
		}
	}
	return nil
}
