package api

import (
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// about says what an operation is for.
func about(summary, description string) func(*huma.Operation) {
	return func(o *huma.Operation) { o.Summary, o.Description = summary, description }
}

// body bounds the body of an operation, in bytes.
func body(most int64) func(*huma.Operation) {
	return func(o *huma.Operation) { o.MaxBodyBytes = most }
}

// stream says what an operation is for that answers with server-sent events.
func stream(summary, description string) func(*huma.Operation) {
	return func(o *huma.Operation) {
		about(summary, description)(o)
		o.Responses = map[string]*huma.Response{"200": {
			Description: "Server-sent events",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}}
	}
}

// form says that the login takes a form, too.
func form(o *huma.Operation) {
	login := &huma.Schema{
		Type: huma.TypeObject, Required: []string{"token"},
		Properties: map[string]*huma.Schema{"token": {Type: huma.TypeString, Description: "As flapwatch token new printed it."}},
	}
	o.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		"application/json": {Schema: login}, "application/x-www-form-urlencoded": {Schema: login},
	}}
	o.SkipValidateBody = true // Resolve reads both
	o.Responses = map[string]*huma.Response{
		"204": {Description: "The cookie is set."},
		"303": {Description: "The cookie is set, for a form: go to the page."},
	}
	o.DefaultStatus = http.StatusNoContent
}

// describe completes the document with what all operations have in common, and with what is served beside them.
func describe(o *huma.OpenAPI) {
	o.Servers = []*huma.Server{{URL: "/", Description: "This service"}}
	o.Info.License = nil
	o.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"token":   {Type: "http", Scheme: "bearer", Description: "A line of the token file; not needed on loopback without one."},
		"session": {Type: "apiKey", In: "cookie", Name: sessionCookie, Description: "What POST /api/v1/login gives."},
	}
	beside(o, "/healthz", "Alive", "The process lives.", "text/plain")
	beside(o, "/readyz", "Ready", "Messages are taken in, stored and answered for; 503 with the reasons where not.", "text/plain")
	beside(o, "/metrics", "Metrics", "Counters for Prometheus.", "text/plain")
	beside(o, "/", "Front page", "What the service is doing.", "text/html")
	beside(o, "/devices", "Devices that drop", "The devices that a name finds, or those that drop in the range.", "text/html", "q", "from", "to", "tz")
	beside(o, "/devices/{name}", "Page of a device", "Where it was registered, why it left, what to check.", "text/html", "name", "cluster", "from", "to", "tz")
	beside(o, "/outages", "Page of the outages", "Many devices at once: which, what they share, what to check.", "text/html", "at", "cluster", "from", "to", "tz")
	beside(o, "/senders", "Page of the senders", "Who sends, what is missing, what is set wrong.", "text/html", "from", "to", "tz")
	beside(o, "/docs", "This document, for people", "The operations and their parameters.", "text/html")
	for path, item := range o.Paths {
		for method, op := range methods(item) {
			role := needs(method, path)
			op.Extensions = map[string]any{"x-role": string(role)}
			op.Security = []map[string][]string{}
			if role != Open {
				op.Security = []map[string][]string{{"token": {}}, {"session": {}}}
			}
			op.Tags = []string{tag(path)}
			op.OperationID = operationID(method, path)
			if o.Paths["/api/v1"+path] != nil { // a page has the name of the answer that it shows
				op.OperationID = "page-" + op.OperationID
			}
			offerTable(o, op)
		}
	}
}

// methods gives the operations of a path.
func methods(item *huma.PathItem) map[string]*huma.Operation {
	all := map[string]*huma.Operation{
		http.MethodGet: item.Get, http.MethodPost: item.Post, http.MethodPut: item.Put, http.MethodPatch: item.Patch, http.MethodDelete: item.Delete,
	}
	for method, op := range all {
		if op == nil {
			delete(all, method)
		}
	}
	return all
}

// operationID is the name that generated clients give an operation: get-device-timeline.
func operationID(method, path string) string {
	path = strings.TrimPrefix(strings.Replace(path, "devices/{name}", "device", 1), "/api/v1")
	name := strings.ReplaceAll(strings.Trim(path, "/"), "/", "-")
	if name == "" {
		name = "page"
	}
	if method == http.MethodGet {
		return "get-" + name
	}
	return name
}

// tag sorts operations into chapters.
func tag(path string) string {
	rest, api := strings.CutPrefix(path, "/api/v1/")
	if !api {
		return "service"
	}
	switch word, _, _ := strings.Cut(rest, "/"); word {
	case "reasons", "signals", "device-types", "keepalive", "decode":
		return "catalogue"
	case "stats", "sources", "unparsed", "import", "login":
		return "service"
	}
	return "fleet"
}

// ofPages are the parameters of pages.
var ofPages = map[string]string{
	"name": "Device name, percent-encoded.", "cluster": "Only this cluster (ClusterID).", "at": "Only the outage that began at this moment.",
	"q":    "A device name or a part of it; MAC addresses may have separators.",
	"from": "Start of the range, as in the answers, or as a time in the zone: 2026-11-23T08:00.", "to": "End of the range, the same way.",
	"tz": "Time zone of the page, such as Europe/Berlin. Default: that of the browser, else UTC.",
}

// beside describes a route that is served outside of huma.
func beside(o *huma.OpenAPI, path, summary, description, kind string, parameters ...string) {
	var list []*huma.Param
	for _, name := range parameters {
		in := "query"
		if strings.Contains(path, "{"+name+"}") {
			in = "path"
		}
		list = append(list, &huma.Param{Name: name, In: in, Required: in == "path", Description: ofPages[name], Schema: &huma.Schema{Type: huma.TypeString}})
	}
	o.AddOperation(&huma.Operation{
		Method: http.MethodGet, Path: path, Summary: summary, Description: description, Parameters: list,
		Responses: map[string]*huma.Response{
			"200":     {Description: "OK", Content: map[string]*huma.MediaType{kind: {Schema: &huma.Schema{Type: huma.TypeString}}}},
			"default": {Description: "Error"},
		},
	})
}

// offerTable says of answers that have items that they come as a table, too. It stands beside the answer's type and not among its
// types: generated clients would give every field of the JSON the type "this, or a text".
func offerTable(o *huma.OpenAPI, op *huma.Operation) {
	good := op.Responses["200"]
	if good == nil {
		return
	}
	delete(good.Headers, "Content-Type") // of huma, for our choice of the type
	m := good.Content["application/json"]
	if m == nil || m.Schema == nil || op.Method != http.MethodGet {
		return
	}
	if schema := o.Components.Schemas.SchemaFromRef(m.Schema.Ref); schema != nil && schema.Properties["items"] != nil {
		op.Extensions["x-also"] = "text/csv"
		op.Description += " Where Accept asks for text/csv: the items, a line each, below a line of keys (RFC 4180); cells that a spreadsheet would take for a formula begin with an apostrophe."
	}
}
