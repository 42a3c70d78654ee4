package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"flapwatch/report"

	"github.com/wneessen/go-mail"
)

// Server is where mail is handed in (RFC 5321, RFC 6409).
type Server struct {
	Host           string
	Port           int
	User, Password string
	Security       Security
	Roots          *x509.CertPool // nil: those of the system
}

// Security of the connection.
type Security int

const (
	StartTLS Security = iota // plain at first, then TLS or nothing (RFC 3207)
	Implicit                 // TLS from the first byte (RFC 8314)
	Open                     // never encrypted; then no password is sent either
)

// ParseServer reads smtp://user:password@host:587 (STARTTLS), smtps://host:465 (TLS from the start) or smtp://host:25?tls=none;
// ca=FILE names the certificates to trust instead of the system's. The error never holds the password.
func ParseServer(s string) (Server, error) {
	form := errors.New("write it as smtp://user:password@host:587, smtps://host:465 or smtp://host:25?tls=none")
	u, err := url.Parse(s)
	if err != nil || u.Hostname() == "" || (u.Path != "" && u.Path != "/") {
		return Server{}, form
	}
	v := Server{Host: u.Hostname(), User: u.User.Username(), Port: 587}
	v.Password, _ = u.User.Password()
	q := u.Query()
	switch {
	case u.Scheme == "smtps" && !q.Has("tls"):
		v.Security, v.Port = Implicit, 465
	case u.Scheme == "smtp" && q.Get("tls") == "none":
		v.Security, v.Port = Open, 25
	case u.Scheme != "smtp" || q.Has("tls"):
		return Server{}, form
	}
	if v.Security == Open && v.User != "" {
		return Server{}, errors.New("a password is not sent over a connection without TLS")
	}
	if p := u.Port(); p != "" {
		if v.Port, err = strconv.Atoi(p); err != nil || v.Port < 1 || v.Port > 65535 {
			return Server{}, form
		}
	}
	if file := q.Get("ca"); file != "" {
		text, err := os.ReadFile(file)
		if err != nil {
			return Server{}, fmt.Errorf("read certificates: %w", err)
		}
		if v.Roots = x509.NewCertPool(); !v.Roots.AppendCertsFromPEM(text) {
			return Server{}, fmt.Errorf("%s holds no certificate", file)
		}
	}
	return v, nil
}

// Envelope says from whom to whom.
type Envelope struct {
	From string
	To   []string
}

// patience with a mail server, for the whole conversation.
const patience = time.Minute

// SendReport mails a report: its headline as the subject and as text, the tables as the body, the HTML report attached.
func (s *Server) SendReport(ctx context.Context, e Envelope, r *report.Report) error {
	m, err := message(e, r)
	if err != nil {
		return err
	}
	return s.hand(ctx, m)
}

// hand gives a mail to the server.
func (s *Server) hand(ctx context.Context, m *mail.Msg) error {
	c, err := s.client()
	if err != nil {
		return fmt.Errorf("mail server %s: %w", s.Host, err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	if err := c.DialAndSendWithContext(ctx, m); err != nil {
		if unknown := new(x509.UnknownAuthorityError); errors.As(err, unknown) {
			err = fmt.Errorf("%w; ?ca=FILE at the end of its address names the one that signed", err)
		}
		return fmt.Errorf("hand mail to %s: %w", s.Host, err)
	}
	return nil
}

func (s *Server) client() (*mail.Client, error) {
	options := []mail.Option{
		mail.WithPort(s.Port), mail.WithTimeout(patience),
		mail.WithTLSConfig(&tls.Config{ServerName: s.Host, RootCAs: s.Roots, MinVersion: tls.VersionTLS12}),
	}
	switch s.Security {
	case StartTLS:
		options = append(options, mail.WithTLSPolicy(mail.TLSMandatory))
	case Implicit:
		options = append(options, mail.WithSSL())
	case Open:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if s.User != "" {
		options = append(options, mail.WithSMTPAuth(mail.SMTPAuthAutoDiscover), mail.WithUsername(s.User), mail.WithPassword(s.Password))
	}
	return mail.NewClient(s.Host, options...)
}

// message puts the mail together. It belongs to a week, so that a mail program shows a second copy as the same one.
func message(e Envelope, r *report.Report) (*mail.Msg, error) {
	body, err := report.Mail(r)
	if err != nil {
		return nil, err
	}
	var text, page strings.Builder
	if err := errors.Join(report.Markdown(&text, r), report.HTML(&page, r)); err != nil {
		return nil, err
	}
	m := mail.NewMsg()
	if err := addressed(m, e); err != nil {
		return nil, err
	}
	m.Subject("Phones in week " + r.Week + ": " + subject(r))
	m.SetDateWithValue(r.Made.In(time.UTC))
	m.SetMessageID()
	m.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation answers
	m.SetBodyString(mail.TypeTextPlain, text.String())
	m.AddAlternativeString(mail.TypeTextHTML, body)
	err = m.AttachReader("phones-"+r.Week+".html", strings.NewReader(page.String()), mail.WithFileContentType("text/html"))
	return m, err
}

// subject is the first task, or that there is none.
func subject(r *report.Report) string {
	if len(r.First) == 0 {
		return "nothing stands out"
	}
	return strings.Join(strings.Fields(r.First[0].Title), " ")
}
