package reasons

import (
	"fmt"
	"slices"
	"strings"
)

// DeviceType is a model number: DeviceType in alarms, Model in RIS, typemodel.enum in the database of CUCM.
type DeviceType struct {
	Number   uint32 `json:"number"`
	Model    string `json:"model"`
	Class    string `json:"class"`              // "desk or wireless phone", "video endpoint", …
	Conflict string `json:"conflict,omitempty"` // name in the alarm document where it contradicts the database; Model is the database's
	Origin
}

// NamePattern is what the name of a device tells about it.
type NamePattern struct {
	Name   string `json:"name"`  // "SEP", "(domain name)"
	Group  string `json:"group"` // "phone", "desktop-client", "mobile-client", "media-resource", …
	Match  string `json:"match"` // prefix, hex, contains, domain, any
	Text   string `json:"text"`  // what match looks for; several prefixes are parted by blanks
	Digits int    `json:"digits,omitempty"`
	Kind   string `json:"kind"`  // "desk phone, wireless phone, IP Communicator, room endpoint"
	Tells  string `json:"tells"` // what else can be read from the name
	Origin
	fits func(name string) bool
}

func (c *Catalogue) readDeviceTypes(s *sheets) {
	seen := once[uint32]{}
	for r := range s.rows("device_types.csv", "number model class conflict source confidence") {
		d := DeviceType{r.parse("number", r.maybe("number"), 1<<17), r.text("model"), r.text("class"), r.maybe("conflict"), r.origin()}
		seen.check(r, d.Number)
		c.models.set(d.Number, d.Model)
		c.deviceTypes = append(c.deviceTypes, d)
	}
}

// Model gives the model of a device type. Device packs add numbers between releases, so an unknown one is "model 684", not an error.
func (c *Catalogue) Model(number uint32) string {
	if m := c.models.get(number); m != "" {
		return m
	}
	return fmt.Sprintf("model %d", number)
}

// models holds names by number in pages of 256: two loads to find one, and little room lost between 700 and 36000.
type models [][]string

func (m *models) set(number uint32, name string) {
	page := int(number >> 8)
	for len(*m) <= page {
		*m = append(*m, nil)
	}
	if (*m)[page] == nil {
		(*m)[page] = make([]string, 256)
	}
	(*m)[page][number&255] = name
}

func (m models) get(number uint32) string {
	if page := int(number >> 8); page < len(m) && m[page] != nil {
		return m[page][number&255]
	}
	return ""
}

func (c *Catalogue) readNames(s *sheets) {
	seen := once[string]{}
	for r := range s.rows("device_names.csv", "name group match text digits kind tells source confidence") {
		n := NamePattern{Name: r.text("name"), Group: r.text("group"), Match: r.text("match"), Text: r.maybe("text"),
			Kind: r.text("kind"), Tells: r.text("tells"), Origin: r.origin()}
		if r.maybe("digits") != "" {
			n.Digits = int(r.parse("digits", r.maybe("digits"), 64))
		}
		seen.check(r, n.Name)
		n.fits = r.matcher(&n)
		c.names = append(c.names, n)
	}
	for i := range c.names {
		for first := range c.namesFrom {
			if c.names[i].mayBegin(byte(first)) {
				c.namesFrom[first] = append(c.namesFrom[first], &c.names[i])
			}
		}
	}
}

// mayBegin reports whether a name that fits n may begin with first.
func (n *NamePattern) mayBegin(first byte) bool {
	if n.Match != "prefix" && n.Match != "hex" {
		return true
	}
	return slices.ContainsFunc(strings.Fields(n.Text), func(p string) bool { return p[0] == first })
}

func (r row) matcher(n *NamePattern) func(string) bool {
	text, digits := n.Text, n.Digits
	if (text == "") == slices.Contains([]string{"prefix", "hex", "contains"}, n.Match) || (digits > 0) != (n.Match == "hex") {
		r.complain("text or digits do not go with match %q", n.Match)
	}
	switch n.Match {
	case "prefix":
		prefixes := strings.Fields(text)
		return func(name string) bool {
			return slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(name, p) })
		}
	case "hex":
		return func(name string) bool {
			return len(name) == len(text)+digits && strings.HasPrefix(name, text) && hexadecimal(name[len(text):])
		}
	case "contains":
		return func(name string) bool { return strings.Contains(name, text) }
	case "domain":
		return domain
	case "any":
		return func(string) bool { return true }
	}
	r.complain("unknown match %q", n.Match)
	return nil
}

// hexadecimal reports whether s is of hexadecimal digits only. The next is a letter as often as not, which a branch cannot guess.
func hexadecimal(s string) bool {
	ok := true
	for i := range len(s) {
		ok = ok && isHex[s[i]]
	}
	return ok
}

var isHex = func() (is [256]bool) {
	for _, c := range []byte("0123456789abcdefABCDEF") {
		is[c] = true
	}
	return is
}()

// domain reports whether s is two or more labels of letters, digits and dashes with dots between them.
func domain(s string) bool {
	dots, label := 0, 0
	for i := range len(s) {
		switch c := s[i]; {
		case c >= '0' && c <= '9', c|0x20 >= 'a' && c|0x20 <= 'z', c == '-':
			label++
		case c == '.' && label > 0:
			dots, label = dots+1, 0
		default:
			return false
		}
	}
	return dots > 0 && label > 0
}

// Kind gives the first pattern that fits name, or nil for an empty name.
func (c *Catalogue) Kind(name string) *NamePattern {
	if name == "" {
		return nil
	}
	for _, n := range c.namesFrom[name[0]] {
		if n.fits(name) {
			return n
		}
	}
	return nil
}

// named reports whether a group of device names exists.
func (c *Catalogue) named(group string) bool {
	return slices.ContainsFunc(c.names, func(n NamePattern) bool { return n.Group == group })
}
