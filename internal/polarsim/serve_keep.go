package polarsim

import (
	"net/http"
	"strings"
	"sync"
)

// KeepAnswers answers a GET as it was answered before, until something is written, so
// that a benchmark measures its clients: rendering takes several times as long
// as sending. It holds at most the given number of bytes of bodies. What is
// answered from memory strikes no fault and is not counted as a request.
func KeepAnswers(next http.Handler, most int) http.Handler {
	return &keeper{next: next, most: most, replies: map[string]*reply{}}
}

type keeper struct {
	next    http.Handler
	most    int
	mu      sync.RWMutex
	replies map[string]*reply
	size    int
}

// reply is an answer on its way, and afterwards.
type reply struct {
	http.ResponseWriter
	header http.Header
	status int
	body   []byte
}

// Unwrap leads http.ResponseController to what can flush.
func (r *reply) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (r *reply) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *reply) Write(b []byte) (int, error) {
	r.body = append(r.body, b...)
	return r.ResponseWriter.Write(b)
}

func (k *keeper) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet || strings.HasPrefix(r.URL.Path, "/sim/") {
		k.mu.Lock()
		clear(k.replies)
		k.size = 0
		k.mu.Unlock()
		k.next.ServeHTTP(rw, r)
		return
	}
	key := strings.Join([]string{r.URL.RequestURI(), r.Header.Get("Authorization"), r.Header.Get("Polar-Version")}, "\n")
	k.mu.RLock()
	was := k.replies[key]
	k.mu.RUnlock()
	if was != nil {
		for name, values := range was.header {
			rw.Header()[name] = values
		}
		_, _ = rw.Write(was.body) // the client is gone
		return
	}
	now := &reply{ResponseWriter: rw, status: http.StatusOK}
	k.next.ServeHTTP(now, r)
	if now.status != http.StatusOK {
		return
	}
	now.header, now.ResponseWriter = rw.Header().Clone(), nil
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.size+len(now.body) <= k.most {
		k.replies[key], k.size = now, k.size+len(now.body)
	}
}
