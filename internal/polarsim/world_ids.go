package polarsim

// Kind says which table an id belongs to.
type Kind uint8

const (
	KindOrganization Kind = iota + 1
	KindAccount
	KindProduct
	KindPrice
	KindBenefit
	KindMedia
	KindCustomField
	KindMeter
	KindDiscount
	KindCustomer
	KindPaymentMethod
	KindMember
	KindCustomerMeter
	KindSubscription
	KindSubscriptionMeter
	KindPendingUpdate
	KindOrder
	KindOrderItem
	KindPayment
	KindRefund
	KindCheckout
	KindDashboard
	KindBenefitGrant
	KindUser
	KindEvent
	KindTransaction
	KindWebhookEndpoint
	KindWebhookDelivery
	KindWebhookEvent
	KindCheckoutLink
	KindDispute
	KindLicenseKey
	KindActivation
	KindFile
	KindSeat
	KindIntegration
	KindEventType
)

// ID is a UUID of version 4 shape. Ids are not stored: the number of a row within its table, encrypted with the world's seed, is the id, so a
// lookup by id needs no index either. 64 bits carry kind and number, the other 58 are a check that no made-up id passes.
type ID [16]byte

// idKeys are the round keys of the permutation, derived from the seed.
type idKeys [5]uint64

func newIDKeys(seed uint64) idKeys {
	var k idKeys
	for i := range k {
		k[i] = mix(seed + uint64(i+1)*0x9e3779b97f4a7c15)
	}
	return k
}

// mix is the finalizer of SplitMix64 (Steele, Lea, Flood 2014): a cheap good hash of a word.
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}

// seal is a Feistel permutation of 64 bits; open is its inverse.
func (k *idKeys) seal(x uint64) uint64 {
	l, r := uint32(x>>32), uint32(x)
	for i := range 4 {
		l, r = r, l^uint32(mix(uint64(r)^k[i]))
	}
	return uint64(l)<<32 | uint64(r)
}

func (k *idKeys) open(x uint64) uint64 {
	l, r := uint32(x>>32), uint32(x)
	for i := 3; i >= 0; i-- {
		l, r = r^uint32(mix(uint64(l)^k[i])), l
	}
	return uint64(l)<<32 | uint64(r)
}

const checkBits = 1<<58 - 1

func (k *idKeys) id(kind Kind, n int) ID {
	x := k.seal(uint64(kind)<<56 | uint64(n))
	hi := x>>16<<16 | 0x4000 | x>>4&0xfff
	lo := 1<<63 | x&0xf<<58 | mix(x^k[4])&checkBits
	var id ID
	for i := range 8 {
		id[i] = byte(hi >> (56 - 8*i))
		id[8+i] = byte(lo >> (56 - 8*i))
	}
	return id
}

// number gives back what id was made of; ok is false for an id of another kind or world.
func (k *idKeys) number(kind Kind, id ID) (n int, ok bool) {
	var hi, lo uint64
	for i := range 8 {
		hi = hi<<8 | uint64(id[i])
		lo = lo<<8 | uint64(id[8+i])
	}
	x := hi>>16<<16 | hi&0xfff<<4 | lo>>58&0xf
	plain := k.open(x)
	if Kind(plain>>56) != kind {
		return 0, false
	}
	n = int(plain & (1<<56 - 1))
	return n, k.id(kind, n) == id
}

const hexDigits = "0123456789abcdef"

// AppendText appends the id as 36 lower-case characters.
func (id ID) AppendText(b []byte) ([]byte, error) { return id.append(b), nil }

func (id ID) append(b []byte) []byte {
	for i, c := range id {
		if i == 4 || i == 6 || i == 8 || i == 10 {
			b = append(b, '-')
		}
		b = append(b, hexDigits[c>>4], hexDigits[c&15])
	}
	return b
}

func (id ID) String() string { return string(id.append(make([]byte, 0, 36))) }

// ParseID reads a UUID in the form Polar accepts in paths and filters: 32 hexadecimal digits of any case, with or without the dashes.
func ParseID(s string) (id ID, ok bool) {
	if len(s) == 36 {
		if s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
			return id, false
		}
		s = s[:8] + s[9:13] + s[14:18] + s[19:23] + s[24:]
	}
	if len(s) != 32 {
		return id, false
	}
	for i := range 16 {
		hi, lo := unhex(s[2*i]), unhex(s[2*i+1])
		if hi < 0 || lo < 0 {
			return id, false
		}
		id[i] = byte(hi<<4 | lo)
	}
	return id, true
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}
