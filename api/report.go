package api

import (
	"bytes"
	"context"
	"errors"
	"mime"
	"slices"
	"strconv"
	"strings"
	"time"

	"flapwatch/report"

	"github.com/danielgtaylor/huma/v2"
)

// Weekly makes the weekly report.
type Weekly func(ctx context.Context, week report.Week, zone *time.Location, now time.Time) (*report.Report, error)

// weeklyInput is a question for the weekly report.
type weeklyInput struct {
	request
	Week   string `query:"week" maxLength:"16" doc:"Week of ISO 8601; default: the last one that is over." example:"2026-W47"`
	Zone   string `query:"tz" maxLength:"64" default:"UTC" doc:"Time zone of the week's beginning and of the times in it." example:"Europe/Berlin"`
	Format string `query:"format" enum:"html,json,csv,md" doc:"Form of the answer; default: what Accept prefers, JSON if it does not care."`

	week   report.Week
	zone   *time.Location
	format report.Format
}

// Resolve implements huma.Resolver.
func (in *weeklyInput) Resolve(c huma.Context) []error {
	errs := in.read(c)
	var err error
	if in.zone, err = time.LoadLocation(in.Zone); err != nil || in.Zone == "Local" {
		errs = append(errs, &huma.ErrorDetail{Location: "query.tz", Message: "there is no such time zone; write it as Europe/Berlin", Value: in.Zone})
		in.zone = time.UTC
	}
	in.week = report.LastWeek(in.at.In(in.zone))
	if in.Week != "" {
		if in.week, err = report.ParseWeek(in.Week); err != nil {
			errs = append(errs, &huma.ErrorDetail{Location: "query.week", Message: err.Error(), Value: in.Week})
		}
	}
	if in.format, err = report.FormatOf(in.Format); err != nil {
		in.format = preferred(c.Header("Accept"))
	}
	return errs
}

// preferred gives the form that an Accept header likes best (RFC 9110, section 12.5.1); JSON where it does not say.
func preferred(accept string) report.Format {
	chosen, _ := report.FormatOf("json")
	best := 0.0
	for part := range strings.SplitSeq(accept, ",") {
		kind, parameters, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		weight := 1.0
		if q, given := parameters["q"]; given {
			weight, _ = strconv.ParseFloat(q, 64)
		}
		i := slices.IndexFunc(report.Formats(), func(f report.Format) bool { return strings.HasPrefix(f.ContentType, kind) })
		if i >= 0 && weight > best {
			chosen, best = report.Formats()[i], weight
		}
	}
	return chosen
}

func (s *server) weekly(ctx context.Context, in *weeklyInput) (*huma.StreamResponse, error) {
	r, err := s.Weekly(ctx, in.week, in.zone, in.at)
	switch {
	case errors.Is(err, report.ErrNotBegun):
		return nil, bad("query.week", err.Error(), in.Week)
	case err != nil:
		return nil, s.fail("weekly report", err)
	}
	var b bytes.Buffer
	if err := in.format.Write(&b, r); err != nil {
		return nil, s.fail("weekly report", err)
	}
	return &huma.StreamResponse{Body: func(c huma.Context) {
		c.SetHeader("Content-Type", in.format.ContentType)
		c.SetHeader("Content-Disposition", `inline; filename="phones-`+r.Week+"."+in.format.Name+`"`)
		c.SetHeader("Content-Security-Policy", report.Policy()+"; frame-ancestors 'none'")
		c.AppendHeader("Vary", "Accept")
		_, _ = c.BodyWriter().Write(b.Bytes())
	}}, nil
}

// aboutWeekly says in which forms the report comes.
func aboutWeekly(o *huma.Operation) {
	about("Weekly report", "What happened to the phones in a week, why, and what to do first, compared with the week before.")(o)
	content := map[string]*huma.MediaType{}
	for _, f := range report.Formats() {
		kind, _, _ := strings.Cut(f.ContentType, ";")
		content[kind] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeString}}
	}
	content["application/json"] = &huma.MediaType{Schema: &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true}}
	o.Responses = map[string]*huma.Response{"200": {Description: "The report", Content: content}}
}
