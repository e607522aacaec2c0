package polarsim

import "strconv"

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
