package polarsim

import (
	"fmt"
	"strconv"
)

// makeFiles makes the files of the organization: pictures of products, an avatar, downloads, and two that no list shows.
func (g *generator) makeFiles() {
	at := g.start
	g.uploads = make([]Upload, lastUpload)
	for _, p := range g.products {
		for _, m := range p.Medias {
			g.uploads[m.N] = Upload{CreatedAt: m.CreatedAt, Service: "product_media", Name: m.Name, Mime: m.Mime, Size: m.Size, Etag: mediaEtag, Hexed: m.N%2 == 1}
			if m.N == 1 {
				g.uploads[m.N].Version = "v1"
			}
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
