package polarsim

import (
	"fmt"
	"strconv"
)

// Upload is a file that was uploaded, or was to be.
type Upload struct {
	CreatedAt, DeletedAt      Time
	Service, Name, Mime       string // Service "": there is no file of this number
	Version, Etag             string // "" = null
	Size                      int64
	Pending, Malicious, Hexed bool
}

// Numbers of files: pictures have those of the catalogue.
const (
	uploadAvatar    = 10
	uploadTicket    = 20
	uploadPending   = 21
	uploadDownloads = 100
	lastUpload      = uploadDownloads + 135
)

// uploads makes the files of the organization: pictures of products, an avatar, downloads, and two that no list shows.
func (g *generator) upload() {
	at := g.start
	g.uploads = make([]Upload, lastUpload)
	for _, p := range g.products {
		for _, m := range p.Medias {
			g.uploads[m.N] = Upload{CreatedAt: m.CreatedAt, Service: "product_media", Name: m.Name, Mime: m.Mime, Size: m.Size, Etag: mediaEtag}
		}
	}
	g.uploads[uploadAvatar] = Upload{CreatedAt: at + hour, Service: "organization_avatar", Name: "logo.svg", Mime: "image/svg+xml", Size: 3141, Etag: mediaEtag}
	g.uploads[uploadTicket] = Upload{CreatedAt: at + 50*day, Service: "support_case_attachment", Name: "screenshot.png", Mime: "image/png", Size: 77, Etag: mediaEtag}
	g.uploads[uploadPending] = Upload{CreatedAt: at + 51*day, Service: "downloadable", Name: "never-finished.zip", Mime: "application/zip", Size: 5_000_000_000, Pending: true}
	for n := uploadDownloads; n < lastUpload; n++ {
		u := Upload{CreatedAt: at + Time(n-uploadDownloads)*day, Service: "downloadable", Name: fmt.Sprintf("chapter %d, “draft”.pdf", n-uploadDownloads), Mime: "application/pdf",
			Size: int64(n) * 10_007, Etag: strconv.Itoa(n) + "f731c974343645a3985328", Hexed: n%3 == 0, Malicious: n == lastUpload-1}
		if n%5 == 0 {
			u.Version = "v" + strconv.Itoa(n%7)
		}
		g.uploads[n] = u
	}
}

const mediaEtag = "9b2cf535f27731c974343645a3985328"

// uploadLists is the list of files. It is in no order at all, and shows what is uploaded and is not about a support case
// (polarsource/polar, server/polar/file/service.py, repository.py).
func uploadLists() []*resource {
	return []*resource{{
		path: "/v1/files/", kind: KindMedia, scopes: []string{"files:read", "files:write"}, fixed: true, noID: true,
		rows: func(w *World) int { return len(w.uploads) },
		hidden: func(w *World, n Ref) bool {
			u := &w.uploads[n]
			return u.Service == "" || u.Pending || u.DeletedAt != 0 || u.Service == "support_case_attachment"
		},
		filters: map[string]filter{"ids": reference(KindMedia, itself)},
		render:  (*World).renderUpload,
	}}
}

func (w *World) renderUpload(o *object, n Ref) {
	u, id := &w.uploads[n], w.id(KindMedia, int(n))
	o.open()
	o.id("id", id)
	w.organization(o)
	o.str("name", u.Name)
	o.str("path", u.Service+"/"+w.id(KindOrganization, 0).String()+"/"+id.String()+"/"+u.Name)
	o.str("mime_type", u.Mime)
	o.int("size", u.Size)
	o.null("storage_version")
	o.text("checksum_etag", u.Etag)
	if u.Hexed {
		o.str("checksum_sha256_base64", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
		o.str("checksum_sha256_hex", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	} else {
		o.null("checksum_sha256_base64")
		o.null("checksum_sha256_hex")
	}
	o.time("last_modified_at", u.CreatedAt)
	o.text("version", u.Version)
	o.str("service", u.Service)
	o.bool("is_uploaded", true)
	o.time("created_at", u.CreatedAt)
	if u.Service == "downloadable" {
		if u.Malicious {
			o.time("flagged_malicious_at", u.CreatedAt+day)
		} else {
			o.null("flagged_malicious_at")
		}
	}
	o.str("size_readable", strconv.FormatFloat(float64(u.Size)/1024, 'f', 1, 64)+" KB")
	if u.Service != "downloadable" {
		o.str("public_url", "https://files.simulated-tools.example/"+id.String())
	}
	o.close()
}

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
	if ok && !uploadLists()[0].shows(c.w, n) {
		c.notFound()
		return None, false
	}
	return n, ok
}
