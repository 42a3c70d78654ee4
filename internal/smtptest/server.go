// Package smtptest is a mail server for tests: it speaks SMTP on a real socket and keeps what it is given.
package smtptest

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/textproto"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Mail is one that the server took.
type Mail struct {
	From      string
	To        []string
	Data      []byte
	Encrypted bool
	User      string
}

// Server speaks enough SMTP on a real socket: EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA.
type Server struct {
	net.Listener
	TLS      *tls.Config // nil: it knows no TLS
	Password string      // empty: it asks for none
	Refuses  string      // a recipient
	Mails    chan Mail   // taken, at most eight
}

// Serve starts s on a free port of loopback until the end of the test.
func Serve(t testing.TB, s *Server) *Server {
	t.Helper()
	var err error
	if s.Listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.Mails = make(chan Mail, 8)
	go func() {
		for {
			c, err := s.Accept()
			if err != nil {
				return
			}
			go s.talk(c)
		}
	}()
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func (s *Server) talk(c net.Conn) {
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(30 * time.Second))
	in := bufio.NewReader(c)
	say := func(line string) { _, _ = io.WriteString(c, line+"\r\n") }
	var m Mail
	say("220 mail.example ESMTP")
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return
		}
		line = strings.TrimRight(line, "\r\n")
		verb, rest, _ := strings.Cut(line, " ")
		switch strings.ToUpper(verb) {
		case "EHLO":
			lines := []string{"mail.example", "8BITMIME"}
			if s.TLS != nil && !m.Encrypted {
				lines = append(lines, "STARTTLS")
			}
			if s.Password != "" && m.Encrypted {
				lines = append(lines, "AUTH PLAIN")
			}
			for i, l := range lines {
				if i+1 < len(lines) {
					say("250-" + l)
				} else {
					say("250 " + l)
				}
			}
		case "STARTTLS":
			say("220 go ahead")
			upgraded := tls.Server(c, s.TLS)
			if upgraded.Handshake() != nil {
				return
			}
			c, in, m.Encrypted = upgraded, bufio.NewReader(upgraded), true
		case "AUTH":
			secret, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(rest, "PLAIN "))
			parts := strings.Split(string(secret), "\x00")
			if len(parts) != 3 || parts[2] != s.Password {
				say("535 5.7.8 wrong")
				continue
			}
			m.User = parts[1]
			say("235 2.7.0 welcome")
		case "MAIL":
			if s.Password != "" && m.User == "" {
				say("530 5.7.0 log in first")
				continue
			}
			m.From, m.To = rest, nil
			say("250 ok")
		case "RCPT":
			if s.Refuses != "" && strings.Contains(rest, s.Refuses) {
				say("550 5.1.1 nobody of that name")
				continue
			}
			m.To = append(m.To, rest)
			say("250 ok")
		case "DATA":
			say("354 go on")
			m.Data, _ = textproto.NewReader(in).ReadDotBytes()
			s.Mails <- m
			say("250 kept")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// Certificate makes one for 127.0.0.1 and writes it where ca= finds it.
func Certificate(t testing.TB) (*tls.Config, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	form := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.example"}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, form, form, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}}, file
}
