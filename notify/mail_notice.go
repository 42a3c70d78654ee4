package notify

import (
	"context"
	"fmt"
	"strings"
	"time"

	"flapwatch/report"

	"github.com/wneessen/go-mail"
)

// Mail sends notices through a mail server.
type Mail struct {
	Server   Server
	Envelope Envelope
}

// Name implements Channel.
func (*Mail) Name() string { return "mail" }

// longestSubject in characters.
const longestSubject = 150

// Send implements Channel. The Message-ID is that of the notice, so that a mail program shows a second copy as the same one.
func (m *Mail) Send(ctx context.Context, n Notice) error {
	msg := mail.NewMsg()
	if err := addressed(msg, m.Envelope); err != nil {
		return &failure{reason: "address", final: true, err: err}
	}
	msg.Subject(report.Clip(longestSubject, report.Plain(strings.Join(strings.Fields("[flapwatch] "+n.head()), " "))))
	msg.SetDateWithValue(n.At.In(time.UTC))
	msg.SetMessageIDWithValue(n.ID + "@flapwatch")
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: no vacation answers
	msg.SetBodyString(mail.TypeTextPlain, n.text())
	if err := m.Server.hand(ctx, msg); err != nil {
		return &failure{reason: "mail", err: err}
	}
	return nil
}

// addressed writes from whom and to whom a mail is.
func addressed(m *mail.Msg, e Envelope) error {
	if err := m.From(e.From); err != nil {
		return fmt.Errorf("sender %q: %w", e.From, err)
	}
	if err := m.To(e.To...); err != nil {
		return fmt.Errorf("recipients %q: %w", e.To, err)
	}
	return nil
}
