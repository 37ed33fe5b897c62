# The one entry for people and for CI. `make` alone lists the recipes.

.DEFAULT_GOAL := help
CARGO ?= cargo

# Debian packages that the tests start or call.
TEST_PACKAGES := prometheus prometheus-alertmanager bsdutils chromium curl faketime groff-base python3 python3-venv systemd
# Some machines have npm from elsewhere, which Debian's does not go with.
TEST_PACKAGES += $(if $(shell command -v npm),,npm)

.PHONY: help test test-tools lint spelling msrv fmt demo demo-stack bench bench-rules bench-compare bench-dashboards simulate-month pictures dashboards dist-docs install uninstall deb deb-test test-prometheus3 deny sbom image-test faults fuzz siege soak

help: ## List the recipes
	@grep -E '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

test: test-tools ## Install what the tests need, and run all of them
	$(CARGO) test --locked

test-tools: ## Install the packages that the tests need
	@./scripts/install-packages.sh $(TEST_PACKAGES)
	@./scripts/install-python-packages.sh
	@CACHE_DIR=$(CURDIR)/target/deploy-check deploy/check.sh install
	@./scripts/install-go-tools.sh
	@./scripts/install-browser-tools.sh

faults: ## Play every fault of the simulator, alone and in pairs, and write docs/faults.md and tests/it/faults/pairs.tsv
	FAULTS=all UPDATE_DOCS=1 $(CARGO) test --release --locked --test it faults:: -- --nocapture

SECONDS ?= 60
FUZZ_TARGETS := $(basename $(notdir $(wildcard fuzz/fuzz_targets/*.rs)))

fuzz: ## Fuzz each target for SECONDS (nightly and cargo-fuzz)
	@set -e; for target in $(FUZZ_TARGETS); do \
		mkdir -p fuzz/corpus/$$target; \
		$(CARGO) +nightly fuzz run $$target fuzz/corpus/$$target fuzz/seeds/$$target -- \
			-max_total_time=$(SECONDS) -timeout=10 -rss_limit_mb=2048; \
	done

SOAK_SECONDS ?= 1800

soak: ## Run the exporter through incidents, faults, reloads and restarts for SOAK_SECONDS
	SOAK_SECONDS=$(SOAK_SECONDS) $(CARGO) test --release --locked --test soak

simulate-month: test-tools ## Play thirty days of incidents and faults, six runs of five days, and compare what fired with what was true
	SIMULATION_HOURS=120 SIMULATION_CLIENTS=24 SIMULATION_RUNS=6 $(CARGO) test --release --locked --test it signal::simulation -- --nocapture

SIEGE_SECONDS ?= 40

siege: ## Flood the exporter for SIEGE_SECONDS per attack (as root: with few threads), and write the figures into docs/benchmarks.md
	UPDATE_DOCS=1 SIEGE_SECONDS=$(SIEGE_SECONDS) $(CARGO) test --release --locked --test it siege:: -- --nocapture --test-threads=1

lint: spelling ## Formatting, spelling, clippy and documentation, warnings denied
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets --features bench -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items

spelling: ## Spelling of code and documents
	@./scripts/install-python-packages.sh
	$(or $(CARGO_TARGET_DIR),target)/python/bin/typos --format brief

msrv: ## Build with the oldest Rust that Cargo.toml promises
	./scripts/check-msrv.sh

deny: ## Licences, banned crates and sources of what is built in
	./scripts/check-supply-chain.py

sbom: ## Write a software bill of materials to target/sbom.json
	mkdir -p target
	./scripts/sbom.py > target/sbom.json

fmt: ## Format the code
	$(CARGO) fmt

demo: ## Run the exporter on the embedded simulator
	$(CARGO) run --release -- demo

demo-stack: ## Run exporter and simulator with real Prometheus and Alertmanager
	$(CARGO) build --release --locked
	./scripts/demo-stack.sh

dashboards: ## Write dashboards/*.json from their source in dashboards/source
	@./scripts/install-python-packages.sh
	PYTHONDONTWRITEBYTECODE=1 PYTHONPATH=$(or $(CARGO_TARGET_DIR),target)/python python3 dashboards/build.py

bench-dashboards: test-tools ## Open every panel over a fleet of CLIENTS times ten channels, and print the slowest
	DASHBOARD_CLIENTS=$(or $(CLIENTS),10000) $(CARGO) test --release --locked --test it every_panel_of_a_large_fleet -- --nocapture

pictures: test-tools ## Take the pictures of the status page that the README shows
	UPDATE_PICTURES=1 $(CARGO) test --locked --test it the_pictures_of_the_readme

bench: ## Time the parts by themselves
	$(CARGO) bench --locked --features bench --bench micro -- $(ARGS)

bench-rules: test-tools ## Measure what the rules cost in a real Prometheus; writes the table into docs/sizing.md
	./scripts/bench-rules $(ARGS)

bench-compare: ## Measure against nginx, a registry and prometheus_client; writes docs/benchmarks.md
	./scripts/bench-compare $(ARGS)

image-test: ## Build the container image without a registry, and run it (root)
	@./scripts/install-packages.sh buildah debootstrap
	./scripts/image-test.sh

EXPORTER := target/release/d360_exporter
DIST_DOCS := target/dist-docs

dist-docs: ## Build for release, and write the manual pages and the completions to target/dist-docs
	$(CARGO) build --locked --release
	scripts/dist-docs.sh $(EXPORTER) $(DIST_DOCS)

# Where `make install` puts things. DESTDIR goes before all of them, for who makes packages.
PREFIX ?= /usr/local
SYSCONFDIR ?= /etc
UNITDIR ?= $(PREFIX)/lib/systemd/system
ZSHDIR ?= $(PREFIX)/share/zsh/site-functions
SETTINGS = $(DESTDIR)$(SYSCONFDIR)/d360_exporter/d360_exporter.env
INSTALLED = $(DESTDIR)$(PREFIX)/bin/d360_exporter \
	$(DESTDIR)$(UNITDIR)/d360_exporter.service \
	$(DESTDIR)$(PREFIX)/share/man/man1/d360_exporter*.1 \
	$(DESTDIR)$(PREFIX)/share/bash-completion/completions/d360_exporter \
	$(DESTDIR)$(ZSHDIR)/_d360_exporter \
	$(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/d360_exporter.fish

install: ## Install program, unit, settings, manual pages and completions below PREFIX (after make dist-docs)
	@test -x $(EXPORTER) -a -d $(DIST_DOCS)/man || { echo "error: expected $(EXPORTER) and $(DIST_DOCS), found none; run make dist-docs first, as yourself" >&2; exit 1; }
	install -D -m 0755 $(EXPORTER) $(DESTDIR)$(PREFIX)/bin/d360_exporter
	install -d $(DESTDIR)$(UNITDIR)
	sed 's#^ExecStart=/usr/bin/#ExecStart=$(PREFIX)/bin/#' deploy/systemd/d360_exporter.service > $(DESTDIR)$(UNITDIR)/d360_exporter.service
	chmod 0644 $(DESTDIR)$(UNITDIR)/d360_exporter.service
	# Settings that are there are yours.
	test -e $(SETTINGS) || install -D -m 0644 deploy/systemd/d360_exporter.env $(SETTINGS)
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	install -m 0644 $(DIST_DOCS)/man/*.1 $(DESTDIR)$(PREFIX)/share/man/man1/
	install -D -m 0644 $(DIST_DOCS)/completions/d360_exporter.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/d360_exporter
	install -D -m 0644 $(DIST_DOCS)/completions/_d360_exporter $(DESTDIR)$(ZSHDIR)/_d360_exporter
	install -D -m 0644 $(DIST_DOCS)/completions/d360_exporter.fish $(DESTDIR)$(PREFIX)/share/fish/vendor_completions.d/d360_exporter.fish

uninstall: ## Remove what make install has installed; settings, key and state stay
	rm -f $(INSTALLED)

# The same source in any directory gives the same bytes: paths are cut, times are the commit's.
deb: export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct)
deb: export RUSTFLAGS := --remap-path-prefix=$(CURDIR)=/src --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)=/cargo
deb: dist-docs ## Build the Debian package (needs `cargo install cargo-deb`)
	$(CARGO) deb --locked --no-build

PROMETHEUS_3 := $(CURDIR)/target/prometheus3

test-prometheus3: test-tools ## Build Prometheus 3 with Go, and scrape and evaluate with it what Debian's Prometheus 2 does in the tests
	@./scripts/install-prometheus3.sh $(PROMETHEUS_3)
	PATH=$(PROMETHEUS_3):$$PATH $(CARGO) test --locked --test it -- prometheus:: signal::rules::promtool signal::chain signal::queries

deb-test: deb ## Install, upgrade and purge the Debian package in a clean Debian (root; needs cargo-deb)
	@./scripts/install-packages.sh debootstrap
	./scripts/deb-test.sh
