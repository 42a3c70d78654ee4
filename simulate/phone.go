package simulate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"time"
)

// model is a make of phone. The numbers are CUCM's device types.
type model struct {
	name, protocol, load string
	number               int
}

var (
	deskSIP = []model{
		{"Cisco 8841", "SIP", "sip88xx.14-2-1-0001-55", 683},
		{"Cisco 8851", "SIP", "sip88xx.14-2-1-0001-55", 684},
		{"Cisco 8861", "SIP", "sip88xx.14-2-1-0001-55", 685},
		{"Cisco 8845", "SIP", "sip8845_65.14-2-1-0001-55", 36224},
		{"Cisco 7821", "SIP", "sip78xx.14-2-1-0001-55", 621},
		{"Cisco 7841", "SIP", "sip78xx.14-2-1-0001-55", 622},
		{"Cisco 8961", "SIP", "sip8961.9-4-2SR4-1", 540},
		{"Cisco 3905", "SIP", "CP3905.9-4-1SR3", 592},
	}
	deskSCCP = []model{
		{"Cisco 7945", "SCCP", "SCCP45.9-4-2SR3-1S", 435},
		{"Cisco 7965", "SCCP", "SCCP45.9-4-2SR3-1S", 436},
		{"Cisco 7962", "SCCP", "SCCP42.9-4-2SR3-1S", 404},
		{"Cisco 7975", "SCCP", "SCCP75.9-4-2SR3-1S", 437},
		{"Cisco 6921", "SCCP", "SCCP69xx.9-4-1-3SR3", 495},
	}
	allMakes = append(append([]model{
		{"Cisco 8821", "SIP", "sip8821.11-0-6SR4-2", 36216},
		{"Cisco 7937", "SCCP", "apps37sccp.1-4-5-7", 431},
	}, deskSIP...), deskSCCP...)

	// vendors are the upper halves of MAC addresses that Cisco phones have.
	vendors = [...]uint64{0xE0D173, 0xD4ADBD, 0x002699, 0xF866F2, 0xD0574C, 0x002414}

	// places are what administrators write into Description: anything but " < > \ & %, so brackets,
	// equal signs and other alphabets too. #F stands for the floor, #R for the room.
	places = [...]string{
		"Office #F.#R", "Büro #F.#R", "Bureau #F.#R", "Empfang #F. OG", "Besprechung #F.#R [Video]",
		"Lager #F [Tor #R]", "会議室 #F-#R", "Sala de reuniões #F.#R", "Entrepôt #F – quai #R", "Lab #F | rack=#R: left",
		"Phone", "Auto #F#R", "Teeküche #F. Stock", "[TEST] #F/#R", "Öffentl. Telefon, Halle #F (Süd)",
	}
)

// perSubnet is how many phones share a subnet, which is a switch here.
const perSubnet = 100

// phone is one device, where it is in its story, and what has happened to it.
type phone struct {
	name, mac, ip, description, user, numbers string
	model                                     model
	subnet                                    int
	home, backup                              *source
	cause                                     string
	habit                                     habit
	rng                                       *rand.Rand

	plan trouble
	step step
	tally
}

// newPhone makes the i-th phone of a cluster, always the same for a seed.
func newPhone(i int, seed uint64, g group, h habit, nodes []*source) *phone {
	p := &phone{subnet: i / perSubnet, cause: g.cause, habit: h, rng: stream(seed, uint64(i)+1)}
	p.model = g.makes[p.rng.IntN(len(g.makes))]
	// An odd factor maps the numbers below 2^24 one to one: no two phones share a MAC address.
	low := (uint64(i)*0x5BD1E995 + mix(seed)) & 0xFFFFFF
	p.name = fmt.Sprintf("SEP%06X%06X", vendors[p.rng.IntN(len(vendors))], low)
	p.mac = p.name[len("SEP"):]
	p.ip = fmt.Sprintf("10.%d.%d.%d", 60+p.subnet/250, p.subnet%250, 20+i%perSubnet)
	p.description = place(p.rng)
	p.user = "u" + strconv.Itoa(10000+i)
	p.numbers = p.user[1:]
	p.home, p.backup = nodes[p.subnet%len(nodes)], nodes[(p.subnet+1)%len(nodes)]
	return p
}

// place makes up a description.
func place(rng *rand.Rand) string {
	floor, room := 1+rng.IntN(5), 10+rng.IntN(40)
	t := places[rng.IntN(len(places))]
	return strings.Replace(strings.Replace(t, "#F", strconv.Itoa(floor), 1), "#R", strconv.Itoa(room), 1)
}

// stream gives the n-th independent random sequence of a seed. The factor (2^64 over the golden
// ratio) keeps neighbouring sequences far apart.
func stream(seed, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(seed, n*0x9E3779B97F4A7C15))
}

// between draws a time evenly from low to high.
func (p *phone) between(low, high time.Duration) time.Duration {
	return low + time.Duration(p.rng.Float64()*float64(high-low))
}

// about draws a time normally around mean, with the given deviation, cut at three of them.
func (p *phone) about(mean, deviation time.Duration) time.Duration {
	x := math.Max(-3, math.Min(3, p.rng.NormFloat64()))
	return mean + time.Duration(x*float64(deviation))
}
