package api

import (
	"bufio"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Role is what somebody may do.
type Role string

// Open is the role of those who have no token.
const (
	Open   Role = "open"
	Read   Role = "read"   // ask
	Ingest Role = "ingest" // bring messages
	Admin  Role = "admin"  // everything
)

// needs gives the role that a request must have. It decides before routing, so that a route that is forgotten here is the
// administrator's.
func needs(method, path string) Role {
	get := method == http.MethodGet || method == http.MethodHead
	switch {
	case get && (path == "/healthz" || path == "/readyz"), method == http.MethodPost && path == "/api/v1/login":
		return Open
	case get, method == http.MethodPost && (path == "/api/v1/decode" || path == "/api/v1/captures"):
		return Read
	case method == http.MethodPost && path == "/api/v1/import":
		return Ingest
	}
	return Admin
}

// allows says whether the role is enough.
func (r Role) allows(need Role) bool { return need == Open || r == Admin || r == need }

// digest is how a token is kept: tokens are random and long, so one round of SHA-256 cannot be turned back.
type digest [sha256.Size]byte

// Tokens are those who may ask.
type Tokens struct{ known []known }

type known struct {
	digest digest
	role   Role
}

// role finds a token. Every token is compared, in constant time, whichever fits.
func (t *Tokens) role(d digest) (role Role, ok bool) {
	for _, k := range t.known {
		if subtle.ConstantTimeCompare(k.digest[:], d[:]) == 1 {
			role, ok = k.role, true
		}
	}
	return role, ok
}

// ParseTokens reads one token a line: role, sha256:… and, for people, a name. Empty lines and lines that begin with # are passed over.
func ParseTokens(r io.Reader) (*Tokens, error) {
	t := new(Tokens)
	var errs []error
	lines := bufio.NewScanner(io.LimitReader(r, 1<<20))
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		k, err := parseToken(line)
		if err != nil {
			errs = append(errs, fmt.Errorf("line %d: %w", n, err))
		}
		t.known = append(t.known, k)
	}
	if len(t.known) == 0 && lines.Err() == nil {
		errs = append(errs, errors.New("no token: flapwatch token new --role read makes one"))
	}
	return t, errors.Join(append(errs, lines.Err())...)
}

var errTokenLine = errors.New("write it as flapwatch token new prints it: read sha256:… name")

func parseToken(line string) (k known, err error) {
	words := strings.Fields(line)
	if len(words) < 2 {
		return k, errTokenLine
	}
	switch k.role = Role(words[0]); k.role {
	case Read, Ingest, Admin:
	default:
		return k, errTokenLine
	}
	sum, marked := strings.CutPrefix(words[1], "sha256:")
	b, err := hex.DecodeString(sum)
	if err != nil || !marked || len(b) != len(k.digest) {
		return k, errTokenLine
	}
	k.digest = digest(b)
	return k, nil
}

// NewToken makes a token of 260 random bits, and the line that keeps it.
func NewToken(role Role, name string) (token, line string) {
	token = "fw_" + rand.Text() + rand.Text()
	sum := sha256.Sum256([]byte(token))
	return token, strings.TrimSpace(fmt.Sprintf("%s sha256:%s %s", role, hex.EncodeToString(sum[:]), name))
}
