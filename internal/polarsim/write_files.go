package polarsim

// updateFile changes name or version of a file.
func (c *call) updateFile() {
	f, ok := c.form()
	if !ok {
		return
	}
	name, version := f.text("name", 256), f.text("version", 256)
	if c.invalid(f.problems) {
		return
	}
	if n, ok := c.file(); ok {
		u := &c.w.uploads[n]
		c.w.stamp()
		u.Name, u.Version = firstOf(name, u.Name), firstOf(version, u.Version)
		c.show("/v1/files/", n, 200)
	}
}

// deleteFile takes a file away, and with it the picture of a product.
func (c *call) deleteFile() {
	n, ok := c.file()
	if !ok {
		return
	}
	c.w.uploads[n].DeletedAt = c.w.stamp()
	for i := range c.w.products {
		p := &c.w.products[i]
		for k, m := range p.Medias {
			if m.N == int(n) {
				p.Medias = append(p.Medias[:k:k], p.Medias[k+1:]...)
				break
			}
		}
	}
	c.status = 204
}

func (c *call) file() (Ref, bool) {
	n, ok := c.id("id", KindMedia, len(c.w.uploads))
	if ok && !fileList().shows(c.w, n) {
		c.notFound()
		return None, false
	}
	return n, ok
}
