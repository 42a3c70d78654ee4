package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flapwatch/api"
	"flapwatch/ingest"
	"flapwatch/notify"
	"flapwatch/reasons"
	"flapwatch/report"
	"flapwatch/spool"
	"flapwatch/watch"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"golang.org/x/sync/errgroup"
	"golang.org/x/sys/unix"
)

// serveCmd are the settings of the service.
type serveCmd struct {
	Syslog        []string     `help:"Where to listen: udp://:514, tcp://:601, tls://:6514?cert=FILE&key=FILE&client_ca=FILE&client_name=NAME." default:"udp://:5514,tcp://:5514" placeholder:"URL"`
	HTTP          string       `help:"Where to answer." default:"127.0.0.1:8080" placeholder:"HOST:PORT" name:"http"`
	HTTPTLS       []string     `help:"Answer over TLS: certificate and key, read again when they change." placeholder:"CERT,KEY" name:"http-tls" type:"path"`
	HTTPTokenFile string       `help:"Ask for a token; this file keeps them hashed (flapwatch token new makes one)." placeholder:"FILE" name:"http-token-file" type:"path"`
	HTTPInsecure  bool         `help:"Answer without tokens on an address that is not loopback." name:"http-insecure"`
	Allow         []network    `help:"Accept syslog from these networks only." placeholder:"CIDR"`
	Zone          []senderZone `help:"Time zone of times that name none; CUCM writes UTC, others do not. For all senders and files, or by network." placeholder:"[CIDR=]Europe/Berlin"`
	Retention     days         `help:"Keep events for so long after they were received." default:"400d"`
	Clickhouse    string       `help:"embedded, or a server: clickhouse://user:pass@host:9000/db, http://user:pass@host:8123/db." default:"embedded" placeholder:"DSN"`
	Data          string       `help:"Folder for the spool and the embedded ClickHouse." default:"./data" type:"path"`
	SpoolCap      size         `help:"Most bytes the spool may take." default:"8GiB"`
	LogLevel      level        `help:"debug, info, warn or error." default:"info"`
	CPUProfile    string       `help:"Write where processor time goes to this file, for go tool pprof." name:"cpu-profile" placeholder:"FILE" type:"path" hidden:""`

	reportSchedule `embed:""`
	alertSettings  `embed:""`
}

// service is everything that runs, in the order of the water:
//
//	sockets ─▶ intake ─▶ spool ─▶ pipeline ─▶ store ══ ClickHouse (a server, or the embedded engine)
//	                                            ║
//	page, JSON ◀──────── http ◀──── watch ◀─────╝
//	mail, alerts ◀────── notify ◀─────┘
type service struct {
	settings  *serveCmd
	log       *slog.Logger
	metrics   *prometheus.Registry
	counters  *ingest.Metrics
	catalogue *reasons.Catalogue
	database  *database
	spool     *spool.Spool
	intake    *ingest.Intake
	importer  *ingest.Importer
	listeners *ingest.Listeners
	pipeline  *ingest.Pipeline
	watch     *watch.Watch
	archive   *report.Archive // nil: no week is kept
	reporter  *reporter       // nil where no report is wanted
	alerter   *notify.Alerter // nil where nobody is to be told
	web       net.Listener
	handler   http.Handler
}

// Run serves until the program is told to end.
func (c *serveCmd) Run(ctx context.Context, con *console) error {
	thrifty()
	stop, err := profile(c.CPUProfile)
	if err != nil {
		return err
	}
	defer stop()
	s, err := c.build(ctx, slog.New(slog.NewTextHandler(con.err, &slog.HandlerOptions{Level: slog.Level(c.LogLevel)})))
	if err != nil {
		return err
	}
	fmt.Fprintf(con.out, "flapwatch %s\n  page    %s://%s/\n  syslog  %s\n  data    %s\n",
		version, c.scheme(), s.web.Addr(), strings.Join(s.Syslog(), "  "), c.Data)
	return s.run(ctx)
}

// build makes everything and binds every socket, so that what is wrong is said before anything runs.
func (c *serveCmd) build(ctx context.Context, log *slog.Logger) (_ *service, err error) {
	s := &service{settings: c, log: log, metrics: prometheus.NewRegistry()}
	s.metrics.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.counters = ingest.NewMetrics(s.metrics)

	if s.catalogue, err = reasons.New(); err != nil {
		return nil, err
	}
	if err = errors.Join(c.doorClosed(), c.addresses()); err != nil {
		return nil, err
	}
	tokens, err := c.tokens(log)
	if err != nil {
		return nil, err
	}
	if err = writable(c.Data); err != nil {
		return nil, fmt.Errorf("--data: %w", err)
	}
	if s.reporter, err = newReporter(c.reportSchedule, c.Data, len(c.MailTo) > 0); err != nil {
		return nil, err
	}
	if s.reporter != nil && c.Folder != "" {
		if err = writable(c.Folder); err != nil {
			return nil, fmt.Errorf("--report-folder: %w", err)
		}
	}
	if s.spool, err = spool.Open(filepath.Join(c.Data, "spool"), spool.Options{Cap: int64(c.SpoolCap), Leave: c.leave(), Log: log}); err != nil {
		if errors.Is(err, spool.ErrLocked) {
			err = fmt.Errorf("%w: another flapwatch runs on this data folder; stop it, or choose another with --data", err)
		}
		return nil, err
	}
	s.metrics.MustRegister(accounts{s})
	receiver, err := itself(receiverChild)
	if err != nil {
		return nil, err
	}
	s.intake = ingest.NewIntake(s.spool, int(c.SpoolCap)/32, s.counters, log)
	if s.listeners, err = ingest.Listen(ctx, s.intake, ingest.ListenOptions{
		Addresses: c.Syslog, Allow: prefixes(c.Allow), Log: log, Metrics: s.counters, Now: time.Now, Receiver: receiver,
	}); err != nil {
		return nil, err
	}
	if s.web, err = net.Listen("tcp", c.HTTP); err != nil {
		return nil, webError(c.HTTP, err)
	}
	if s.web, err = c.webTLS(s.web, log); err != nil {
		return nil, err
	}
	if s.database, err = openDatabase(ctx, c, log); err != nil {
		return nil, err
	}

	halfFull := crowded(s.spool, int64(c.SpoolCap))
	s.importer = &ingest.Importer{
		Intake: s.intake, Imports: ingest.NewImports(), Metrics: s.counters, Now: time.Now,
		Temp: filepath.Join(c.Data, "import"), Crowded: halfFull,
	}
	words := ingest.Words{Catalogue: s.catalogue}
	s.pipeline = ingest.NewPipeline(ingest.Options{
		Spool: s.spool, Sink: s.database, Imports: s.importer.Imports, Keys: s.catalogue.Keys(), Words: words,
		Calm: func(ctx context.Context) { s.intake.Calm(ctx, halfFull) }, Lost: s.intake.TakeLost, Zones: zonesOf(c.Zone), Log: log, Metrics: s.counters, Now: time.Now,
	})
	s.watch = watch.New(s.database, s.catalogue, s.pipeline.Version, time.Now)
	program, err := fingerprint()
	if err != nil {
		return nil, err
	}
	s.archive = report.NewArchive(filepath.Join(c.Data, "weeks"), program, s.database, log)
	if s.alerter, err = s.newAlerter(c); err != nil {
		return nil, err
	}
	s.handler = api.New(api.Deps{
		Reader: s.database, Findings: s.watch, Weekly: s.weekly, Tail: tail{s.database, s.spool.ID()}, Importer: s, Service: s, Words: words, Catalogue: s.catalogue,
		Metrics: promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}), Log: log, Now: time.Now, Version: version,
		Tokens: tokens, Loopback: !c.HTTPInsecure, TLS: len(c.HTTPTLS) > 0, Ends: ctx,
	})
	return s, nil
}

// run runs everything and stops it in the order of the water: sockets, spool, last batch, store, engine.
func (s *service) run(ctx context.Context) error {
	defer s.close()
	intake, stopIntake := context.WithCancel(context.WithoutCancel(ctx))
	pipeline, stopPipeline := context.WithCancel(context.WithoutCancel(ctx))
	defer stopPipeline()
	defer stopIntake()

	g, ctx := errgroup.WithContext(ctx)     // without these nothing else is worth running
	front, ctx := errgroup.WithContext(ctx) // what a signal stops first
	g.Go(func() error {
		defer stopPipeline()
		return s.intake.Run(intake)
	})
	g.Go(func() error { return s.pipeline.Run(pipeline) })
	g.Go(func() error { return s.database.run(pipeline) })
	front.Go(func() error { return s.listeners.Run(ctx) })
	front.Go(func() error { return s.serveHTTP(ctx) })
	front.Go(func() error {
		s.watch.Run(ctx)
		return nil
	})
	if s.reporter != nil {
		front.Go(func() error { return s.reporter.run(ctx, s) })
	}
	if s.alerter != nil {
		front.Go(func() error { return s.alerter.Run(ctx, time.Now) })
	}

	err := front.Wait()
	stopIntake() // and then the pipeline
	return errors.Join(err, g.Wait())
}

// serveHTTP answers until ctx ends, then lets requests finish for a moment.
func (s *service) serveHTTP(ctx context.Context) error {
	server := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 1 << 20, // longer than the API takes, so that it is the API that refuses
		ErrorLog:       slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	ended := context.AfterFunc(ctx, func() {
		late, cancel := context.WithTimeout(context.WithoutCancel(ctx), 3*time.Second)
		defer cancel()
		if server.Shutdown(late) != nil {
			_ = server.Close()
		}
	})
	defer ended()
	if err := server.Serve(s.web); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve http: %w", err)
	}
	return nil
}

// close gives back what build took, last first.
func (s *service) close() {
	if s.database != nil {
		s.database.close()
	}
	if s.web != nil {
		_ = s.web.Close()
	}
	if s.listeners != nil {
		s.listeners.Close()
	}
	if s.spool != nil {
		if err := s.spool.Close(); err != nil {
			s.log.Error("close spool", "error", err)
		}
	}
}

// addresses says what is wrong with the addresses that receive.
func (c *serveCmd) addresses() (err error) {
	for _, a := range c.Syslog {
		if bad := ingest.CheckAddress(a); bad != nil {
			err = errors.Join(err, usageError{bad})
		}
	}
	return err
}

// writable makes a folder, or says what stands in the way.
func writable(folder string) error {
	err := os.MkdirAll(folder, 0o750)
	if err == nil {
		var f *os.File
		if f, err = os.CreateTemp(folder, ".writable-*"); err == nil {
			_ = f.Close()
			err = os.Remove(f.Name())
		}
	}
	if err != nil {
		return fmt.Errorf("folder %s cannot be written (%w): choose another, or change its owner", folder, rootCause(err))
	}
	return nil
}

// leave is how much of the disk the spool leaves to the embedded ClickHouse, so that what waits can be stored and make room: a quarter,
// 128 MiB at most.
func (c *serveCmd) leave() int64 {
	var disk unix.Statfs_t
	if c.Clickhouse != "embedded" || unix.Statfs(c.Data, &disk) != nil {
		return 0
	}
	return min(128<<20, int64(disk.Blocks)*int64(disk.Bsize)/4)
}

// rootCause is the kernel's word, without the path around it.
func rootCause(err error) error {
	var path *os.PathError
	if errors.As(err, &path) {
		return path.Err
	}
	return err
}

func webError(address string, err error) error {
	if strings.Contains(err.Error(), "address already in use") {
		return fmt.Errorf("http %s is taken by another program: stop it or choose another address with --http", address)
	}
	return fmt.Errorf("listen on http %s: %w", address, err)
}
