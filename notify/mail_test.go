package notify_test

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/mail"
	"net/textproto"
	"strings"
	"testing"

	"flapwatch/internal/smtptest"
	"flapwatch/notify"
	"flapwatch/report"
)

var envelope = notify.Envelope{From: "flapwatch@example.org", To: []string{"voice@example.org", "night@example.org"}}

func week() *report.Report {
	return &report.Report{
		Week: "2026-W47", Zone: "UTC", From: 1763337600000, To: 1763942400000, Made: 1763964000000, Headline: "Eine ruhige Woche – 静か",
		First: []report.Task{{Title: "3 devices drop\r\nBcc: evil@example.org every 18 min 9 s", Why: "<script>", Checks: []string{"look"}}},
	}
}

func TestSendReport(t *testing.T) {
	config, ca := smtptest.Certificate(t)
	s := smtptest.Serve(t, &smtptest.Server{TLS: config, Password: "p@ss:word"})
	server := parse(t, fmt.Sprintf("smtp://flap:p%%40ss%%3Aword@%s?ca=%s", s.Addr(), ca))
	if err := server.SendReport(t.Context(), envelope, week()); err != nil {
		t.Fatal(err)
	}
	m := <-s.Mails
	if !m.Encrypted || m.User != "flap" || len(m.To) != 2 || !strings.Contains(m.From, "flapwatch@example.org") {
		t.Errorf("encrypted %v, user %q, from %q to %q", m.Encrypted, m.User, m.From, m.To)
	}
	parts, head := read(t, m.Data)
	if subject := must(new(mime.WordDecoder).DecodeHeader(head.Get("Subject"))); subject != "Phones in week 2026-W47: 3 devices drop Bcc: evil@example.org every 18 min 9 s" {
		t.Errorf("subject %q", subject)
	}
	if head.Get("Bcc") != "" || head.Get("Auto-Submitted") != "auto-generated" || head.Get("Message-ID") == "" {
		t.Errorf("head %v", head)
	}
	for kind, want := range map[string]string{"text/plain": "# Phones in week 2026-W47", "text/html": `<table role="presentation"`, "attachment": "<!doctype html>"} {
		if !strings.Contains(parts[kind], want) || !strings.Contains(parts[kind], "Eine ruhige Woche – 静か") {
			t.Errorf("%s: %.200q", kind, parts[kind])
		}
	}
	if strings.Contains(parts["text/html"]+parts["attachment"], "<script>") {
		t.Error("a tag stands in the mail as it came")
	}
}

// read takes a mail apart: its texts by kind, and the attachment.
func read(t *testing.T, data []byte) (map[string]string, mail.Header) {
	t.Helper()
	m, err := mail.ReadMessage(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	parts := map[string]string{}
	var walk func(textproto.MIMEHeader, io.Reader)
	walk = func(h textproto.MIMEHeader, body io.Reader) {
		kind, parameters, err := mime.ParseMediaType(h.Get("Content-Type"))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(kind, "multipart/") {
			for r := multipart.NewReader(body, parameters["boundary"]); ; {
				p, err := r.NextPart()
				if err == io.EOF {
					return
				}
				if err != nil {
					t.Fatal(err)
				}
				walk(p.Header, p)
			}
		}
		if h.Get("Content-Transfer-Encoding") == "base64" {
			body = base64.NewDecoder(base64.StdEncoding, body)
		}
		text, err := io.ReadAll(body)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(h.Get("Content-Disposition"), "attachment") {
			kind = "attachment"
		}
		parts[kind] = string(text)
	}
	walk(textproto.MIMEHeader(m.Header), m.Body)
	return parts, m.Header
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func parse(t *testing.T, s string) *notify.Server {
	t.Helper()
	v, err := notify.ParseServer(s)
	if err != nil {
		t.Fatal(err)
	}
	return &v
}

// TestSendReportRefused: what goes wrong is said, and nothing is sent in the open.
func TestSendReportRefused(t *testing.T) {
	config, ca := smtptest.Certificate(t)
	f := func(name string, s *smtptest.Server, form, says string) {
		t.Run(name, func(t *testing.T) {
			smtptest.Serve(t, s)
			err := parse(t, fmt.Sprintf(form, s.Addr())).SendReport(t.Context(), envelope, week())
			if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "secret") {
				t.Errorf("error %v, want one that says %q", err, says)
			}
			if len(s.Mails) != 0 {
				t.Error("a mail was sent")
			}
		})
	}
	f("no STARTTLS", &smtptest.Server{}, "smtp://%s", "STARTTLS")
	f("unknown certificate", &smtptest.Server{TLS: config}, "smtp://%s", "certificate")
	f("wrong password", &smtptest.Server{TLS: config, Password: "right"}, "smtp://flap:secret@%s?ca="+ca, "535")
	f("password needed", &smtptest.Server{TLS: config, Password: "right"}, "smtp://%s?ca="+ca, "530")
	f("recipient refused", &smtptest.Server{Refuses: "night@"}, "smtp://%s?tls=none", "550")
	f("TLS expected from the start", &smtptest.Server{TLS: config}, "smtps://%s?ca="+ca, "")
}

// TestSendReportOpen: a server in the house that knows no TLS, where the settings say so.
func TestSendReportOpen(t *testing.T) {
	s := smtptest.Serve(t, &smtptest.Server{})
	if err := parse(t, "smtp://"+s.Addr().String()+"?tls=none").SendReport(t.Context(), envelope, week()); err != nil {
		t.Fatal(err)
	}
	if m := <-s.Mails; m.Encrypted || len(m.To) != 2 {
		t.Errorf("encrypted %v, to %q", m.Encrypted, m.To)
	}
}

func TestParseServer(t *testing.T) {
	f := func(s string, want notify.Server, ok bool) {
		t.Helper()
		got, err := notify.ParseServer(s)
		if (err == nil) != ok || (ok && got != want) {
			t.Errorf("%q gives %+v, %v", s, got, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: the error holds the password: %v", s, err)
		}
	}
	f("smtp://mail.example.org", notify.Server{Host: "mail.example.org", Port: 587}, true)
	f("smtp://u:secret@mail.example.org:2525", notify.Server{Host: "mail.example.org", Port: 2525, User: "u", Password: "secret"}, true)
	f("smtps://mail.example.org", notify.Server{Host: "mail.example.org", Port: 465, Security: notify.Implicit}, true)
	f("smtp://mail.example.org?tls=none", notify.Server{Host: "mail.example.org", Port: 25, Security: notify.Open}, true)
	f("smtp://[::1]:25?tls=none", notify.Server{Host: "::1", Port: 25, Security: notify.Open}, true)
	f("smtp://u:secret@mail.example.org?tls=none", notify.Server{}, false)
	f("smtp://u:secret@mail.example.org:70000", notify.Server{}, false)
	f("smtp://u:secret@mail.example.org?tls=maybe", notify.Server{}, false)
	f("http://u:secret@mail.example.org", notify.Server{}, false)
	f("smtp://u:secret@mail.example.org/x", notify.Server{}, false)
	f("smtp://u:secret@mail.example.org?ca=/nowhere", notify.Server{}, false)
	f("mail.example.org", notify.Server{}, false)
	f("", notify.Server{}, false)
}
