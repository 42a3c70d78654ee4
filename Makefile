# Two commands are enough: make run, make test. The others are listed by `make help`.

SHELL   := bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BINARY  := bin/flapwatch
BUILD   := CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.version=$(VERSION)" -o $(BINARY) ./cmd/flapwatch

.PHONY: help run build engine demo test check race bench promises torture clean check-api

help: ## list the commands
	@sed -nE 's/^([a-z-]+):.*## (.*)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 18

run: build ## build and serve: http://127.0.0.1:8080, syslog on udp and tcp 5514, data in ./data
	$(BINARY) serve

build: ## bin/flapwatch with everything it needs to serve
	$(BUILD)
	$(BINARY) engine fetch

engine: ## fetch the embedded ClickHouse into the cache
	go run ./cmd/flapwatch engine fetch

demo: ## play a simulated week into a running service, until it is stored
	@test -x $(BINARY) || $(BUILD)
	$(BINARY) simulate --scenario office --to tcp://127.0.0.1:5514 --wait

test: engine check race ## everything CI runs

check: ## formatting, vet and staticcheck
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); test -z "$$unformatted" || { echo "gofmt would change:"; echo "$$unformatted"; exit 1; }
	go vet ./...
	go tool staticcheck ./...

race: ## the tests, under the race detector where there is a C compiler
	@if command -v gcc >/dev/null; then go test -race -timeout 25m ./...; \
	elif [ -n "$$CI" ]; then echo "gcc is missing and CI is set: the race detector needs it"; exit 1; \
	else echo "gcc is missing: testing without the race detector"; go test -timeout 25m ./...; fi

PROMISES := TestKilled|TestEngineAway|TestOutage|TestFullDisk|TestFullDatabase|TestPoison|TestStrangeRefusal|TestGoodBatchWaits|TestLinesRefused|TestRefusedAgain|TestSpoolDamaged|TestHostileSenders|TestFlood|TestUDPDrops|TestClocks|TestSources|TestCounters|TestAllocationBounded|TestTLS|TestStalledHandshakes|TestRoles|TestGolden|TestOlder|TestOverlapKilled|TestOnceAtRandom

promises: engine ## the short forms of the promises, which make test runs too, with their figures
	go test ./cmd/flapwatch ./ingest ./store ./spool -run '^($(PROMISES))' -count=1 -p 1 -v -timeout 25m

torture: engine ## kills and outages in their long form, and fuzzing: less than two hours
	FLAPWATCH_TORTURE=1 go test ./cmd/flapwatch ./ingest ./store ./spool -run '^($(PROMISES))' -count=1 -p 1 -v -timeout 2h
	go test ./ingest -run '^$$' -fuzz FuzzSplitter -fuzztime 5m
	go test ./ingest -run '^$$' -fuzz FuzzUnpack -fuzztime 5m
	for f in Decode Packed Segment; do go test ./spool -run '^$$' -fuzz "Fuzz$$f\$$" -fuzztime 5m || exit 1; done
	for f in Parse Tags Time Records; do go test ./parse -run '^$$' -fuzz "Fuzz$$f\$$" -fuzztime 5m || exit 1; done

bench: build ## speed, memory and loss beside rsyslog and syslog-ng; results in bench/results
	@mkdir -p bench/results
	go run ./bench/listen -flapwatch $(BINARY) -o bench/results

check-api: engine ## let a public linter and two client generators read the API's document; needs the network
	FLAPWATCH_CHECK_API=1 go test ./cmd/flapwatch -run TestClients -count=1 -v -timeout 20m

clean: ## remove what was built; data and cache stay
	rm -rf bin
