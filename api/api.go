// Package api is the door for programs and people: REST under /api/v1, described by /openapi.json, readable at /docs, a plain
// page at /. Handlers read as steps: parse, ask, answer. All routes stand in New.
//
// It reaches the store, the findings and the listening wing through the small interfaces of Deps, which the program wires.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"flapwatch/diagnose"
	"flapwatch/event"
	"flapwatch/reasons"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humachi"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
)

// Reader is what the API asks of the store. Errors that carry event.ErrCursor, event.ErrNotFound or event.ErrUnavailable
// become 422, 404 and 503.
type Reader interface {
	Events(ctx context.Context, f event.Filter, cursor string, limit int) ([]event.Row, string, error)
	Devices(ctx context.Context, f event.Filter, cursor string, limit int) ([]event.DeviceSummary, string, error)
	Find(ctx context.Context, f event.Filter, parts []string, limit int) ([]event.DeviceSummary, error)
	Changes(ctx context.Context, f event.Filter) ([]event.History, error)
	Losses(ctx context.Context, f event.Filter, length time.Duration) ([]event.Losses, error)
	Unparsed(ctx context.Context, f event.Filter, cursor string, limit int) ([]event.Line, string, error)
	Sources(ctx context.Context, f event.Filter) (event.Senders, error)
}

// Findings are what the numbers say about the fleet.
type Findings interface {
	Fleet(ctx context.Context, f event.Filter) (*diagnose.Survey, error)
}

// Service is what the API asks of the running program.
type Service interface {
	Stats(context.Context) (Stats, error)
	Ready(context.Context) []Trouble
	Decode(ctx context.Context, text []byte, yield func(Record)) error
	Syslog() []string // addresses that receive
}

// Deps is what the API stands on.
type Deps struct {
	Reader    Reader
	Findings  Findings
	Weekly    Weekly
	Tail      Tail
	Importer  Importer
	Service   Service
	Words     Words
	Catalogue *reasons.Catalogue
	Metrics   http.Handler
	Log       *slog.Logger
	Now       func() time.Time
	Version   string
	Ends      context.Context // when the service stops: those who follow it are let go

	// Who may come in: those with a token where Tokens gives some (again for each request, so that a file may change); else, where
	// Loopback is set, local Hosts and Origins; else everybody.
	Tokens   func() *Tokens
	Loopback bool
	TLS      bool // browsers speak https with us
}

// server holds the handlers.
type server struct {
	Deps
	spec      *huma.OpenAPI
	limit     limiter
	sessions  sessions
	following following
	rankings  rankings
}

// New builds the handler of everything that is served over HTTP.
func New(d Deps) http.Handler {
	s := &server{Deps: d}
	r := chi.NewRouter()
	r.Use(s.log, patient, s.recover, middleware.Compress(5, "application/json", "application/openapi+json", "application/problem+json", "text/html", "text/plain", "text/csv"))
	r.Use(headers, s.well, middleware.GetHead)
	switch {
	case d.Tokens != nil:
		r.Use(s.limited, s.tokens)
	case d.Loopback:
		r.Use(s.local)
	default:
		r.Use(s.limited)
	}
	r.Use(steady)
	r.NotFound(func(w http.ResponseWriter, req *http.Request) {
		problem(w, http.StatusNotFound, "there is nothing at "+req.URL.Path+"; /docs lists what there is")
	})
	r.MethodNotAllowed(func(w http.ResponseWriter, req *http.Request) {
		problem(w, http.StatusMethodNotAllowed, req.Method+" is not possible here; /docs lists what is")
	})

	r.Get("/", s.page)
	r.Get("/devices", s.devicesPage)
	r.Get("/devices/{name}", s.devicePage)
	r.Get("/outages", s.outagesPage)
	r.Get("/senders", s.sendersPage)
	r.Get("/docs", s.docs)
	r.Get("/style.css", s.file("style.css"))
	r.Get("/page.js", s.file("page.js"))
	r.Get("/zone.js", s.file("zone.js"))
	r.Get("/healthz", s.healthz)
	r.Get("/readyz", s.readyz)
	r.Method(http.MethodGet, "/metrics", d.Metrics)

	a := humachi.New(r, config(d.Version))
	s.spec = a.OpenAPI()
	v1 := huma.NewGroup(a, "/api/v1")
	huma.Get(v1, "/events", s.events, about("Events", "Stored events, newest first."))
	huma.Get(v1, "/devices", s.devices, about("Devices", "Known devices with their counts."))
	huma.Get(v1, "/devices/{name}", s.device, about("One device", "Counts, last state, flapping, patterns and diagnoses of one device."))
	huma.Get(v1, "/devices/{name}/timeline", s.timeline, about("Timeline", "Sessions of one device: registered on which node from when until when, and why it ended."))
	huma.Get(v1, "/unregistrations", s.unregistrations, about("Unregistrations over time", "How many there were in each part of the window, for a chart."))
	huma.Get(v1, "/flapping", s.flapping, about("Flapping devices", "Devices ranked by how they lose their registration."))
	huma.Get(v1, "/patterns", s.patterns, about("Periodic devices", "Devices that drop in a period, with the cause and the next check."))
	huma.Get(v1, "/outages", s.outages, about("Outages", "Many devices at once."))
	huma.Get(v1, "/reports/weekly", s.weekly, aboutWeekly)
	huma.Get(v1, "/sources", s.sources, about("Senders", "Who sends: last message, endpoint alarms and severities seen, lost messages, clock skew, and what is wrong with the sender's settings."))
	huma.Get(v1, "/tail", s.tail, stream("Live tail", "Events as they are stored, as server-sent events: each has an id, and as data an event as in /events. A client that reconnects with Last-Event-ID misses nothing."))
	huma.Get(v1, "/unparsed", s.unparsed, about("Lines not understood", "Kept as they came, with the reason."))
	huma.Get(v1, "/reasons", s.reasons, about("Reason codes", "The catalogue of reason codes, each with its source."))
	huma.Get(v1, "/signals", s.signals, about("Signals", "What LastSignalReceived may say, each with its source."))
	huma.Get(v1, "/device-types", s.deviceTypes, about("Device types", "Numbers and models, each with its source."))
	huma.Get(v1, "/keepalive", s.keepalive, about("Keepalive cycle", "The cycle that keepalive timers give, step by step."))
	huma.Get(v1, "/stats", s.stats, about("Accounting", "Messages since the data folder began: received = stored + duplicate + unparsed + other + dropped + in_spool."))
	huma.Post(v1, "/decode", s.decode, about("Decode lines", "What lines of text say and mean. Nothing is stored."), body(maxDecode))
	huma.Post(v1, "/import", s.importFile, aboutImport)
	huma.Post(v1, "/login", s.login, about("Log in", "Exchange a token for a cookie (HttpOnly, SameSite=Strict), for the page."), form, body(4<<10))
	describe(s.spec)
	return r
}

func config(version string) huma.Config {
	c := huma.DefaultConfig("flapwatch", version)
	c.Info.Description = "Which IP phones lose their registration, which in a period, and why."
	c.DocsPath = "" // served by us, without a CDN
	c.SchemasPath = ""
	c.CreateHooks = nil
	c.Formats = map[string]huma.Format{"application/json": huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat, csvType: table}
	c.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	return c
}

// schemaName tells the catalogue's types and the models' from ours of the same name.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	if room, ok := strings.CutPrefix(t.PkgPath(), "flapwatch/"); ok && room != "api" && t.Name() != "" {
		return strings.ToUpper(room[:1]) + room[1:] + name
	}
	return name
}
