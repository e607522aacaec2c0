package mirror

// SecretsOf names the fields that are left out of the items of a stream.
func SecretsOf(s Stream) []string { return s.shape().SecretFields() }

// OwnedStreams is for tests.
func OwnedStreams() []Stream { return append(ownedStreams(), eventStreams()...) }
