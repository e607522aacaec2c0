package mirror

// OwnedStreams is for tests.
func OwnedStreams() []Stream { return expecting(ownedStreams()) }
