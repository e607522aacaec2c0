package polarsim

var givenNames = []string{"Ada", "Grace", "Linus", "Zoë", "José", "Łukasz", "Søren", "Mária", "Nguyễn", "Olena", "Yuki", "陽子", "伟", "Fatima", "أحمد", "Aarav",
	"Chidi", "Anna", "Björn", "Çağla", "Dmitri", "Eoin", "Françoise", "Gökhan", "Hélène", "Ines", "Jürgen", "Kaja", "Luís", "Mei", "Noah", "Priya"}

var familyNames = []string{"Lovelace", "Hopper", "O'Brien", "Müller", "García", "Kowalski", "Nørgaard", "Kováč", "Văn", "Шевченко", "Tanaka", "佐藤", "王", "Haddad",
	"الخطيب", "Sharma", "Okafor", "Smith", "Åkesson", "Yılmaz", "Ivanov", "Ó Súilleabháin", "Lefèvre", "\"Quote\" Jones", "von der Leyen", "Silva", "Rossi",
	"Jansen", "Chen", "Brown, Jr.", "Patel", "Ng"}

var companies = []string{"Acme", "Globex", "Initech", "Umbrella", "Hooli", "Stark", "Wayne", "Wonka", "Tyrell", "Cyberdyne", "Soylent", "Aperture", "Größenwahn", "株式会社テスト",
	"=HYPERLINK(\"x\")", "R&D <Lab>"}

var companyForms = []string{"GmbH", "Inc.", "Ltd", "S.A.", "KK", "AB", "B.V.", "LLC"}

// place is somewhere a customer lives, with the currency it pays in.
type place struct {
	currency string
	address  Address
	taxID    [2]string
	locale   string
}

var places = []place{
	{"usd", Address{"1 Main St", "", "94105", "San Francisco", "US-CA", "US"}, [2]string{"12-3456789", "us_ein"}, "en-US"},
	{"usd", Address{"350 5th Ave", "Fl 21", "10118", "New York", "US-NY", "US"}, [2]string{}, "en"},
	{"usd", Address{"1 Yonge St", "", "M5E 1W7", "Toronto", "CA-ON", "CA"}, [2]string{"123456789RT0001", "ca_gst_hst"}, "en-CA"},
	{"usd", Address{"10 Downing St\nby the black door", "", "SW1A 2AA", "London", "", "GB"}, [2]string{"GB980780684", "gb_vat"}, "en-GB"},
	{"eur", Address{"Unter den Linden 1", "", "10117", "Berlin", "", "DE"}, [2]string{"DE123456789", "eu_vat"}, "de"},
	{"eur", Address{"1 rue de l’Été", "Bâtiment «C»", "75001", "Paris", "", "FR"}, [2]string{"FR61954506077", "eu_vat"}, "fr"},
	{"eur", Address{"Calle Mayor 1", "", "28013", "Madrid", "", "ES"}, [2]string{"A12345678", "es_cif"}, "es"},
	{"eur", Address{"", "", "", "", "", "IE"}, [2]string{}, ""},
	{"jpy", Address{"千代田1-1", "", "100-0001", "東京", "", "JP"}, [2]string{"T1234567890123", "jp_trn"}, "ja"},
	{"usd", Address{"MG Road 5", "", "560001", "Bengaluru", "", "IN"}, [2]string{"12ABCDE3456FGZH", "in_gst"}, "en-IN"},
	{"usd", Address{"", "", "", "", "", "BR"}, [2]string{}, "pt-BR"},
}

// metadatas are what rows carry; most carry nothing. JSON text.
var metadatas = []string{
	`{"source":"web"}`,
	`{"crm_id":"C-1042","score":7}`,
	`{"Plan":"Gold","plan":"gold","PLAN":true}`,
	`{"id":9007199254740993,"huge":340282366920938463463374607431768211456}`,
	`{"ratio":0.30000000000000004,"one":1.0,"tiny":1e-7,"neg":-17}`,
	"{\"note\":\"line one\\nline \\\"two\\\"\\ttab\",\"formula\":\"=1+1\",\"emoji\":\"🦊✨\",\"rtl\":\"\u202eabc\"}",
	`{"vip":true,"opted_out":false,"empty":""}`,
	`{"ünïcode_kéy":"значение","with space":"x","dot.key":"y"}`,
}

var fieldAnswers = []string{
	`{"vat-note":"reverse charge","heard-from":"friend"}`,
	`{"vat-note":null,"heard-from":"web","newsletter":true}`,
	`{"heard-from":"web","team-size":12}`,
}

var cancellationComments = []string{"", "", "Too expensive for what I use.", "Moving to \"something else\",\nsorry!", "=cmd|' /C calc'!A0", "価格が高い 😢", "Will be back; really."}
