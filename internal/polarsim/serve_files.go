package polarsim

// Numbers of files: pictures have those of the catalogue.
const (
	uploadAvatar    = 10
	uploadTicket    = 20
	uploadPending   = 21
	uploadDownloads = 100
	lastUpload      = uploadDownloads + 135
)

const mediaEtag = "9b2cf535f27731c974343645a3985328"

// fileList is the list of files. It is in no order at all, and shows what is uploaded and is not about a support case
// (polarsource/polar, server/polar/file/service.py, repository.py).
func fileList() *resource {
	return &resource{
		path: "/v1/files/", kind: KindMedia, scopes: []string{"files:read", "files:write"}, fixed: true, noID: true,
		rows: func(w *World) int { return len(w.uploads) },
		hidden: func(w *World, n Ref) bool {
			u := &w.uploads[n]
			return u.Service == "" || u.Pending || u.DeletedAt != 0 || u.Service == "support_case_attachment"
		},
		filters: map[string]filter{"ids": reference(KindMedia, itself)},
		render:  (*World).renderUpload,
	}
}
