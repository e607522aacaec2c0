package pg

// TakePooler has the pool do as through a pooler, where it is connected to the server itself.
func (p *Pool) TakePooler() { p.session.pooled = true }
