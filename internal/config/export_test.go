package config

// Parsed is how often the file of these sources was parsed.
func (s Sources) Parsed() int { return s.kept.parsed }
