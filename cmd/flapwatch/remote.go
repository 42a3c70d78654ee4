package main

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// remote is the service that is asked.
type remote struct {
	URL   address `help:"Where the service answers." default:"http://127.0.0.1:8080" name:"url"`
	Token string  `help:"Token, where the service asks for one; better in FLAPWATCH_TOKEN, for others see the command line." placeholder:"TOKEN"`
}

// authorize adds the token to a request.
func (r *remote) authorize(request *http.Request) {
	if r.Token != "" {
		request.Header.Set("Authorization", "Bearer "+r.Token)
	}
}

// get fetches an answer into v. Answers are bounded.
func (r *remote) get(ctx context.Context, path string, q url.Values, v any) error {
	return r.call(ctx, http.MethodGet, path, q, "", v)
}

// call is get with another method and a text to go with it.
func (r *remote) call(ctx context.Context, method, path string, q url.Values, text string, v any) error {
	request, err := http.NewRequestWithContext(ctx, method, string(r.URL)+"/api/v1"+path+"?"+q.Encode(), strings.NewReader(text))
	if err != nil {
		return fmt.Errorf("ask %s: %w", r.URL, err)
	}
	if text != "" {
		request.Header.Set("Content-Type", "text/plain; charset=utf-8")
	}
	r.authorize(request)
	client := http.Client{Timeout: 6 * time.Minute}
	response, err := client.Do(request)
	if err != nil {
		return r.unreached(ctx, err)
	}
	defer func() { _ = response.Body.Close() }()
	body := json.NewDecoder(io.LimitReader(response.Body, 256<<20))
	if response.StatusCode != http.StatusOK {
		var p huma.ErrorModel
		if body.Decode(&p) != nil {
			return r.strange(response)
		}
		if response.StatusCode == http.StatusUnauthorized && r.Token != "" {
			return fmt.Errorf("%s does not know this token: flapwatch token new makes one, and its line belongs into the file that serve --http-token-file names", r.URL)
		}
		return refusal(p)
	}
	if err := body.Decode(v); err != nil {
		return fmt.Errorf("read the answer of %s: %w", r.URL, err)
	}
	return nil
}

// unreached says why nobody answered.
func (r *remote) unreached(ctx context.Context, err error) error {
	if u := (*url.Error)(nil); errors.As(err, &u) {
		err = u.Err
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("ended before %s answered", r.URL)
	case errors.Is(err, http.ErrSchemeMismatch):
		return fmt.Errorf("%s does not speak TLS: write http://", r.URL)
	case errors.As(err, new(*tls.CertificateVerificationError)):
		return fmt.Errorf("%w, at %s; SSL_CERT_FILE=ca.pem in the environment names an authority of your own", err, r.URL)
	}
	return fmt.Errorf("nobody answers at %s (%w): is flapwatch serve running there?", r.URL, err)
}

// strange says that something answered that is no flapwatch, or speaks TLS.
func (r *remote) strange(response *http.Response) error {
	hint := "is that flapwatch?"
	if response.TLS == nil && response.StatusCode == http.StatusBadRequest {
		hint = "does it speak TLS? Then write https://"
	}
	return fmt.Errorf("%s answers %s: %s", r.URL, response.Status, hint)
}

// problemError is a problem+json as one sentence.
type problemError struct {
	Status int
	words  string
}

func (p *problemError) Error() string { return p.words }

// Is says that what the service finds wrong with a question is wrong with the flags.
func (p *problemError) Is(target error) bool {
	return target == errUsage && p.Status == http.StatusUnprocessableEntity
}

// refusal makes an error of a problem+json.
func refusal(p huma.ErrorModel) error {
	var words []string
	for _, d := range p.Errors {
		where := d.Location
		if name, ok := strings.CutPrefix(where, "query."); ok {
			where = "--" + strings.ReplaceAll(name, "_", "-")
		}
		words = append(words, where+": "+d.Message)
	}
	if len(words) == 0 {
		words = append(words, p.Detail)
	}
	if p.Status == http.StatusUnauthorized {
		words = append(words, "give it with --token or FLAPWATCH_TOKEN")
	}
	return &problemError{p.Status, plain(strings.Join(words, "; "))}
}
