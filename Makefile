# Programs are built once per version into .bin.
SQLC := .bin/sqlc-$(shell awk '$$1 == "github.com/sqlc-dev/sqlc" { print $$2 }' tools/go.mod)
LINT := .bin/golangci-lint-$(shell awk '$$1 == "github.com/golangci/golangci-lint/v2" { print $$2 }' tools/lint/go.mod)
ARGS ?=

.DEFAULT_GOAL := help

.PHONY: help
help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-11s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: demo
demo: ## a simulated organization mirrored into a private Postgres, from nothing to answers; ARGS="--customers 2000 --keep"
	@scripts/ensure.sh postgres
	@$(MAKE) --no-print-directory build
	.bin/syncd demo $(ARGS)

.PHONY: test
test: ## all tests; RACE=-race adds the race detector, as .ci/run does; ARGS="-run Sweep" goes to go test
	@DSN_VARIABLE=SYNCD_TEST_DATABASE_URL OR_DOCKER=1 scripts/ensure.sh postgres pgbouncer $(if $(RACE),cc)
	go run ./scripts/gotest $(RACE) -timeout 19m $(ARGS) ./...

.PHONY: test-short
test-short: ## the tests that are quick, in a minute: for the inner loop
	@DSN_VARIABLE=SYNCD_TEST_DATABASE_URL OR_DOCKER=1 scripts/ensure.sh postgres pgbouncer
	go run ./scripts/gotest -short $(ARGS) ./...

.PHONY: chaos
chaos: ## random worlds, writes, faults and kills for a time; CHAOS=5m, SEED= repeats one world
	@DSN_VARIABLE=SYNCD_TEST_DATABASE_URL OR_DOCKER=1 scripts/ensure.sh postgres pgbouncer
	SYNCD_TEST_CHAOS=$(or $(CHAOS),5m) SYNCD_TEST_SEED=$(SEED) go test -count=1 -timeout 3h -v -run 'TestChaos$$' ./internal/catalog

.PHONY: kill-trials
kill-trials: ## kill -9 at random moments of a sync of 20,000 orders; TRIALS=50
	@DSN_VARIABLE=SYNCD_TEST_DATABASE_URL OR_DOCKER=1 scripts/ensure.sh postgres
	SYNCD_TEST_KILLS=$(or $(TRIALS),50) SYNCD_TEST_KILL_ORDERS=20000 go test -count=1 -timeout 60m -v -run TestResumeAfterKill9 ./cmd/syncd

.PHONY: fuzz
fuzz: ## fuzz whatever parses foreign input, each for a time; FUZZ=60s
	@grep -rno --include='*_test.go' '^func Fuzz[A-Za-z]*' internal | sed -E 's#^(.*)/[^/]*:[0-9]+:func (.*)$$#\1 \2#' | while read -r dir name; do \
		echo "$$dir $$name"; go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(or $(FUZZ),60s) "./$$dir" || exit 1; \
	done

.PHONY: bench
bench: build ## speed, requests and memory, beside COPY and a plain loop; BENCH=short takes 3 minutes, full 30; AGAINST=COMMIT in turn with its programs
	@scripts/ensure.sh postgres
	go build -o .bin/ ./bench ./bench/naive ./bench/floor ./bench/against
	$(if $(AGAINST),.bin/against -ref $(AGAINST) $(if $(ROUNDS),-n $(ROUNDS)) -- -only rounds,.bin/bench) -mode $(or $(BENCH),full) $(ARGS)

.PHONY: soak
soak: build ## something changes each second for SOAK (15m): is a change lost, is the budget kept, does memory grow?
	@scripts/ensure.sh postgres
	go build -o .bin/ ./bench/naive ./bench/floor
	go run ./bench -only soak -soak $(or $(SOAK),15m)

.PHONY: lint
lint: $(LINT) ## gofmt, go vet, golangci-lint
	@unformatted="$$(git ls-files -co --exclude-standard '*.go' | xargs gofmt -l)"; \
	if [ -n "$$unformatted" ]; then echo "run gofmt -w on:"; echo "$$unformatted"; exit 1; fi
	go vet ./...
	$(LINT) run

.PHONY: lint-sql
lint-sql: $(SQLC) ## the generated code is current, and Postgres itself prepares every query
	$(SQLC) diff
	go run ./internal/localpg/withpg -- $(SQLC) vet

.PHONY: lint-deploy
lint-deploy: ## what is in deploy/, with the tools that read it
	@scripts/ensure.sh promtool systemd-analyze
	scripts/deploy.sh

.PHONY: generate
generate: $(SQLC) ## internal/store/db from migrations, views and queries, and the parts of docs/ that follow from the program
	@scripts/ensure.sh postgres
	$(SQLC) generate
	go run ./internal/docs
	go run ./cmd/syncd manual > docs/.syncd.1 && mv docs/.syncd.1 docs/syncd.1

.PHONY: build
build: ## .bin/syncd
	go build -o .bin/syncd ./cmd/syncd

PREFIX ?= /usr/local

.PHONY: install
install: build ## syncd, its page of man and its completions, into PREFIX=/usr/local; DESTDIR= for packages
	install -d $(addprefix $(DESTDIR)$(PREFIX)/,bin share/man/man1 share/bash-completion/completions share/zsh/site-functions share/fish/vendor_completions.d)
	install -m 755 .bin/syncd $(DESTDIR)$(PREFIX)/bin/syncd
	install -m 644 docs/syncd.1 $(DESTDIR)$(PREFIX)/share/man/man1/syncd.1
	.bin/syncd completion bash > $(DESTDIR)$(PREFIX)/share/bash-completion/completions/syncd
	.bin/syncd completion zsh > $(DESTDIR)$(PREFIX)/share/zsh/site-functions/_syncd
	.bin/syncd completion fish > $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/syncd.fish

.PHONY: release-snapshot
release-snapshot: build ## archives, .deb, .rpm, the list of modules and checksums under dist/; VERSION=1.2.3, or a snapshot
	scripts/release.sh

$(SQLC):
	@echo "building $@ (once)"
	@go build -modfile=tools/go.mod -o $@ github.com/sqlc-dev/sqlc/cmd/sqlc

$(LINT):
	@echo "building $@ (once)"
	@go build -modfile=tools/lint/go.mod -o $@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint
