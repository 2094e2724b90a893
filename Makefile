# What CI runs is what a person runs: .ci/run calls "make test".

staticcheck := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2
govulncheck := go run golang.org/x/vuln/cmd/govulncheck@v1.9.0

# The race detector watches everything but SQLite, which is C translated to Go with its memory, and Argon2: they are none
# of ours, and would take four times as long. database/sql, which is watched, lets one goroutine at a time use a
# connection. SQLite's driver is watched: the linker keeps one copy of each generic function, and the driver's copy of
# sync.Map's would be everybody's.
unwatched := modernc.org/sqlite/lib modernc.org/libc modernc.org/memory \
	golang.org/x/crypto/argon2 golang.org/x/crypto/blake2b
race := -race $(unwatched:%=-gcflags=%=-race=false)

.DEFAULT_GOAL := help
.PHONY: help build release run test format vet check bench crash cluster fuzz screenshots clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/gatehouse
	CGO_ENABLED=0 go build -trimpath -o bin/gatehouse ./cmd/gatehouse

# Archives that differ in nothing when they are built again: sorted, by nobody, of the time of the commit.
platforms := linux/amd64 linux/arm64 darwin/amd64 darwin/arm64 windows/amd64 windows/arm64
archive = tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@$$(git log -1 --format=%ct) -C

release: ## build static archives for linux, darwin and windows into dist, with their SHA256SUMS; PLATFORMS="linux/amd64" for some
	rm -rf dist && mkdir dist
	@for platform in $(or $(PLATFORMS),$(platforms)); do \
		os=$${platform%/*} arch=$${platform#*/} program=gatehouse; [ $$os != windows ] || program=gatehouse.exe; \
		echo "dist/gatehouse_$${os}_$$arch.tar.gz" && mkdir -p dist/$$os-$$arch && cp LICENSE dist/$$os-$$arch && \
		CGO_ENABLED=0 GOOS=$$os GOARCH=$$arch go build -trimpath -ldflags '-s -w' -o dist/$$os-$$arch/$$program ./cmd/gatehouse && \
		$(archive) dist/$$os-$$arch -c . --transform 's|^\./||' | gzip -n -9 >dist/gatehouse_$${os}_$$arch.tar.gz && rm -r dist/$$os-$$arch || exit 1; \
	done
	cd dist && sha256sum *.tar.gz >SHA256SUMS

run: build ## serve a demo with sample data; ARGS="--listen 127.0.0.1:8080" are passed on
	./bin/gatehouse demo $(ARGS)

# What takes seconds, before what takes minutes. Vet builds with the race detector too, so that all is built once.
# Tests wait for browsers, servers and clocks: two more at once than there are cores, of as many packages as there are
# cores, keep those busy. Of more at once each would be too slow for whoever waits for it.
test: format ## the whole suite, with the race detector and beside a PostgreSQL of its own, then each fuzz target for 5 s
	GATEHOUSE_TEST_POSTGRES_URL=none scripts/with-services go vet $(race) ./...
	scripts/with-services go test $(race) -p $$(nproc) -parallel $$(($$(nproc) + 2)) -vet=off -timeout 75m ./...
	scripts/with-services scripts/fuzz

format:
	@unformatted=$$(gofmt -l .) && [ -z "$$unformatted" ] || { echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; } >&2

vet: format
	go vet ./...

check: vet ## lint: gofmt, go vet, staticcheck, docs/openapi.json, tidy and verified modules, known vulnerabilities
	$(staticcheck) ./...
	GATEHOUSE_TEST_POSTGRES_URL=none scripts/with-services go test ./cmd/gatehouse -run '^TestOpenAPI'
	go mod verify
	go mod tidy -diff
	@if curl --silent --fail --max-time 10 --output /dev/null https://vuln.go.dev/index/db.json; then \
		echo "$(govulncheck) ./..."; $(govulncheck) ./...; \
	else echo "govulncheck: not run, its database at vuln.go.dev cannot be reached"; fi

bench: ## measure, and write docs/performance.md; compare lists of 100,000 items with those of 1,000, on both databases
	scripts/with-services go test ./internal/store -run '^(TestIssuesAmongMany|TestListsOfTestCasesCostLittle)$$' -count=1 -v -many 100000
	WITH_SERVICES_FSYNC=on \
		scripts/with-services go test ./cmd/gatehouse -run TestBenchReport -count=1 -timeout 60m -v -bench.out $(CURDIR)/docs/performance.md

crash: ## the long kill -9 proof: 50 kills, 20,000 operations
	WITH_SERVICES_FSYNC=on \
		scripts/with-services go test ./cmd/gatehouse -run TestCrash -count=1 -timeout 80m -v -crash.kills=50 -crash.operations=20000

cluster: ## the long proof that budgets hold on one to three nodes, which are killed: ten runs of 10,000 coins each
	WITH_SERVICES_FSYNC=on \
		scripts/with-services go test ./cmd/gatehouse -run TestD3_Cluster -count=1 -timeout 120m -v -cluster.runs=10 -cluster.coins=10000

fuzz: ## each fuzz target for FUZZTIME (5s)
	scripts/with-services scripts/fuzz

screenshots: ## pictures of each page of the console in every state, light, dark and narrow, into screenshots
	mkdir -p screenshots
	GATEHOUSE_TEST_SCREENSHOTS=$(CURDIR)/screenshots scripts/with-services go test ./cmd/gatehouse -run '^TestTour$$' -count=1 -timeout 60m

clean: ## remove what was built
	rm -rf bin dist screenshots coverage.*
