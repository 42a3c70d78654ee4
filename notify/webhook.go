package notify

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// Headers of a webhook. The signature is "sha256=" and the HMAC-SHA256 (RFC 2104) in hexadecimal, keyed with --alert-webhook-key, over
// the timestamp, a full stop and the body. A receiver compares it, and refuses timestamps that are older than some minutes.
const (
	TimestampHeader = "X-Flapwatch-Timestamp" // Unix seconds, when it was sent
	SignatureHeader = "X-Flapwatch-Signature" // only where there is a secret
	NoticeHeader    = "X-Flapwatch-Notice"    // id of the notice: the same when it is sent again
)

// Webhook posts notices as JSON, signed.
type Webhook struct {
	Poster *Poster
	URL    string
	Secret string // empty: not signed
	Now    func() time.Time
}

// Name implements Channel.
func (*Webhook) Name() string { return "webhook" }

// Send implements Channel.
func (w *Webhook) Send(ctx context.Context, n Notice) error {
	body, err := json.Marshal(struct {
		Notice
		Text string `json:"text"`
	}{n, n.text()})
	if err != nil {
		return err
	}
	at := strconv.FormatInt(w.Now().Unix(), 10)
	h := http.Header{TimestampHeader: {at}, NoticeHeader: {n.ID}}
	if w.Secret != "" {
		h.Set(SignatureHeader, Sign(w.Secret, at, body))
	}
	return w.Poster.post(ctx, w.URL, body, h)
}

// Sign gives the signature of a body that was sent at a moment (Unix seconds, as written in the header).
func Sign(secret, at string, body []byte) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + "."))
	mac.Write(body)
	return "sha256=" + hex.EncodeToString(mac.Sum(nil))
}
