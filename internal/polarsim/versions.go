package polarsim

import "slices"

// CurrentVersion is the Polar-Version of requests that name none, while it is served (polarsource/polar,
// server/polar/version.py).
const CurrentVersion = "2026-10"

// Versions are those that Polar serves at a time, oldest first: the deprecated, the current and the next one.
func Versions() []string { return []string{"2026-04", CurrentVersion, "2027-01"} }

// RetireVersion ends a version: requests that ask for it are answered as those for any unknown one. Requests that name none are
// answered in the current version or, when that has ended, in the one after it.
func (s *Server) RetireVersion(version string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.opts.Retired = append(slices.Clone(s.opts.Retired), version)
}

// version is the one that a request is answered in; "" = none.
func (s *Server) version(asked string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, v := range Versions() {
		if (v == asked || asked == "" && v >= CurrentVersion) && !slices.Contains(s.opts.Retired, v) {
			return v
		}
	}
	return ""
}
