package polarsim

import "strconv"

// stored writes what the store of files told of file n.
func (o *object) stored(n int, etag string, hexed bool, at Time) {
	if n%4 == 3 {
		o.str("storage_version", "sv"+strconv.Itoa(n))
	} else {
		o.null("storage_version")
	}
	o.text("checksum_etag", etag)
	if hexed {
		o.str("checksum_sha256_base64", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=")
		o.str("checksum_sha256_hex", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
	} else {
		o.null("checksum_sha256_base64")
		o.null("checksum_sha256_hex")
	}
	if n%4 == 2 {
		at = 0
	}
	o.time("last_modified_at", at)
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
	o.stored(int(n), u.Etag, u.Hexed, u.CreatedAt)
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
