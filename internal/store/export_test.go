package store

// TakePooler has the store do as through a pooler, where it is connected to the server itself.
func (s *Store) TakePooler() { s.pool.session.pooled = true }
