# The one entry for people and for CI. `make` alone lists the recipes.

.DEFAULT_GOAL := help
CARGO ?= cargo

# Debian packages that the tests start or call.
TEST_PACKAGES := prometheus prometheus-alertmanager

.PHONY: help test test-tools fuzz soak lint fmt demo image-test

help: ## List the recipes
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 18

test: test-tools ## Install what the tests need, and run all of them
	$(CARGO) test --locked

test-tools: ## Install the packages that the tests need
	@./scripts/install-packages.sh $(TEST_PACKAGES)
	@./scripts/install-python-packages.sh

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

lint: ## Formatting, clippy and documentation, warnings denied
	$(CARGO) fmt --check
	$(CARGO) clippy --locked --all-targets -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --locked --no-deps --document-private-items

fmt: ## Format the code
	$(CARGO) fmt

demo: ## Run the exporter on the embedded simulator
	$(CARGO) run --release -- demo

image-test: ## Build the container image without a registry, and run it (root)
	@./scripts/install-packages.sh buildah debootstrap
	./scripts/image-test.sh
