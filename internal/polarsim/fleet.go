package polarsim

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// MostOrganizations is how many a Fleet can have: their tokens end with four digits.
const MostOrganizations = 9999

// PersonalToken is the token of a user who is a member of every organization of a Fleet.
const PersonalToken = "polar_pat_simulated"

// FleetOptions say which organizations a Fleet has.
type FleetOptions struct {
	Organizations int
	World         Options       // of each; the seed is that of the first, and those of the others follow from it
	Server        ServerOptions // of each, with a limit of requests of its own; Token is what the tokens begin with; default AnyToken
	// Header: the request header Polar-Organization says on which organization a personal token acts. Without it the header is ignored, as a server does
	// that is older than the header.
	Header bool
}

// Fleet is the API of many organizations. The token says whose: Token(n) is that of organization n. One is made when it is first asked for.
type Fleet struct {
	opts   FleetOptions
	each   []organization
	number map[string]int // by the id of the organization

	mu   sync.Mutex
	draw *rand.Rand
	made []int // numbers of those that have been made
}

type organization struct {
	once   sync.Once
	server *Server
}

// NewFleet serves organizations 1 to o.Organizations.
func NewFleet(o FleetOptions) *Fleet {
	if o.Server.Token == "" {
		o.Server.Token = AnyToken
	}
	f := &Fleet{opts: o, each: make([]organization, o.Organizations), number: make(map[string]int, o.Organizations), draw: rand.New(rand.NewPCG(mix(o.World.Seed), randAdvance))}
	for n := 1; n <= o.Organizations; n++ {
		keys := f.keys(n)
		f.number[keys.id(KindOrganization, 0).String()] = n
	}
	return f
}

// Name is organization n in names of files, schemas and the end of its token.
func (f *Fleet) Name(n int) string { return fmt.Sprintf("%04d", n) }

// Token is the access token of organization n.
func (f *Fleet) Token(n int) string { return f.opts.Server.Token + "_" + f.Name(n) }

// seed is that of organization n. Fleets of different seeds have no organization in common.
func (f *Fleet) seed(n int) uint64 {
	if n == 1 {
		return f.opts.World.Seed
	}
	return mix(mix(f.opts.World.Seed) + uint64(n))
}

// keys make the ids of organization n.
func (f *Fleet) keys(n int) idKeys { return newIDKeys(f.seed(n)) }

// ID is the id of organization n at Polar.
func (f *Fleet) ID(n int) string {
	keys := f.keys(n)
	return keys.id(KindOrganization, 0).String()
}

// Server is organization n.
func (f *Fleet) Server(n int) *Server {
	m := &f.each[n-1]
	m.once.Do(func() {
		world, server := f.opts.World, f.opts.Server
		world.Seed, world.Number, server.Token = f.seed(n), n, f.Token(n)
		m.server = NewServer(NewWorld(world), server)
		f.mu.Lock()
		defer f.mu.Unlock()
		f.made = append(f.made, n)
	})
	return m.server
}

// Churn makes n changes, each in one of the organizations that have been made, at random: nobody has seen the others as they were.
func (f *Fleet) Churn(n int) {
	for range n {
		f.mu.Lock()
		of := 0
		if len(f.made) > 0 {
			of = f.made[f.draw.IntN(len(f.made))]
		}
		f.mu.Unlock()
		if of > 0 {
			f.Server(of).World().Churn(1)
		}
	}
}

// ServeHTTP answers for the organization that the token is of.
func (f *Fleet) ServeHTTP(rw http.ResponseWriter, r *http.Request) {
	_, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case strings.HasPrefix(r.URL.Path, filesPrefix):
		f.Server(f.ofFile(r.URL.Path)).ServeHTTP(rw, r)
	case strings.HasPrefix(r.URL.Path, "/sim/"):
		f.control(rw, r)
	case token == PersonalToken:
		f.personal(rw, r)
	default:
		f.Server(f.ofToken(token)).ServeHTTP(rw, r)
	}
}

// ofToken is the organization of a token. A token of none is for the first to refuse.
func (f *Fleet) ofToken(token string) int {
	digits, _, _ := strings.Cut(strings.TrimPrefix(token, f.opts.Server.Token+"_"), "_")
	if n, err := strconv.Atoi(digits); err == nil && n >= 1 && n <= len(f.each) {
		return n
	}
	return 1
}

// ofFile is the organization of an order's document; links to those need no token.
func (f *Fleet) ofFile(path string) int {
	name := strings.TrimSuffix(path[strings.LastIndexByte(path, '/')+1:], ".pdf")
	if id, is := ParseID(name); is {
		for n := 1; n <= len(f.each); n++ {
			keys := f.keys(n)
			if _, own := keys.number(KindOrder, id); own {
				return n
			}
		}
	}
	return 1
}

// personal answers a user who is a member of all organizations.
func (f *Fleet) personal(rw http.ResponseWriter, r *http.Request) {
	id := r.Header.Get("Polar-Organization")
	if !f.opts.Header {
		id = ""
	}
	n := f.number[strings.ToLower(id)]
	switch {
	case n > 0:
		server := f.Server(n)
		r = r.Clone(r.Context())
		r.Header.Set("Authorization", "Bearer "+server.token())
		server.ServeHTTP(rw, r)
	case id != "":
		answer(rw, http.StatusNotFound, `{"error":"ResourceNotFound","detail":"Not found"}`)
	case r.Method == http.MethodGet && strings.TrimSuffix(r.URL.Path, "/") == "/v1/organizations":
		f.list(rw, r)
	default: // Polar mixes the rows of all organizations; nobody asks the simulated one for that
		answer(rw, http.StatusForbidden, `{"error":"NotPermitted","detail":"The simulated Polar shows no more than organizations to a personal token that acts on none."}`)
	}
}

// list is the list of all organizations. It makes those on the page.
func (f *Fleet) list(rw http.ResponseWriter, r *http.Request) {
	p := &problems{}
	page, limit := parsePage(r.URL.Query(), p)
	if len(p.list) > 0 {
		answer(rw, http.StatusUnprocessableEntity, string(p.body()))
		return
	}
	var items []string
	for n := (page-1)*limit + 1; n >= 1 && n <= min(page*limit, len(f.each)); n++ {
		server := f.Server(n)
		o := object{version: server.version(r.Header.Get("Polar-Version"))}
		w := server.world
		w.mu.RLock()
		w.renderOrganization(&o, 0)
		w.mu.RUnlock()
		items = append(items, string(o.b))
	}
	answer(rw, http.StatusOK, fmt.Sprintf(`{"items":[%s],"pagination":{"total_count":%d,"max_page":%d}}`, strings.Join(items, ","), len(f.each), (len(f.each)+limit-1)/limit))
}

func answer(rw http.ResponseWriter, status int, body string) {
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	_, _ = rw.Write([]byte(body)) // the client is gone
}
