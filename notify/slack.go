package notify

import (
	"context"
	"encoding/json"
	"strings"

	"flapwatch/report"
)

// Slack posts notices to an incoming webhook as Slack, Mattermost and others take it: {"text": …}.
type Slack struct {
	Poster *Poster
	URL    string // holds the secret
}

// Name implements Channel.
func (*Slack) Name() string { return "slack" }

// slackLetters keeps what devices call themselves text: no links, no mentions of people or channels. The three characters are
// those that Slack's formatting of message text asks to be escaped.
var slackLetters = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// longestSlack is what fits into a message, before escaping.
const longestSlack = 3500

// Send implements Channel.
func (s *Slack) Send(ctx context.Context, n Notice) error {
	body, err := json.Marshal(map[string]string{"text": slackLetters.Replace(report.Clip(longestSlack, n.text()))})
	if err != nil {
		return err
	}
	return s.Poster.post(ctx, s.URL, body, nil)
}
