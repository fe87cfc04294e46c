# The names people and CI run. `make help` lists them.

CARGO ?= cargo
BIN   := target/release/willet
# Seconds and counts of what wants longer; `make soak` runs the same without limit.
SIM_SECONDS         ?= 120
METAMORPHIC_SECONDS ?= 120
KILLS               ?= 30

.DEFAULT_GOAL := help
.PHONY: help run test check bench gen sim soak fuzz setup build

help: ## list the targets
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

setup:
	@scripts/setup.sh build

build: setup
	$(CARGO) build --release --locked

run: build ## build everything and find the anomalies of a generated stream
	$(BIN) generate --rows 20000 --seed 3 --output target/demo.csv
	$(BIN) detect target/demo.csv --algorithm ewma --format chart
	@echo
	@echo "The same on your own file:  $(BIN) detect FILE"

test: build ## run all tests, with the longer ones inside their budgets
	$(CARGO) test --workspace --locked --no-fail-fast -- --skip relations_hold --skip a_killed_run
	WILLET_METAMORPHIC_SECONDS=$(METAMORPHIC_SECONDS) $(CARGO) test --locked -p willet-core --test conformance -- --nocapture relations_hold
	WILLET_BIN=$(CURDIR)/$(BIN) WILLET_KILLS=$(KILLS) $(CARGO) test --locked -p willet --test cli -- --nocapture a_killed_run
	$(MAKE) sim

sim: ## run the simulation for SIM_SECONDS
	$(CARGO) run --release --locked -q -p willet-testkit --bin simulate -- --seconds $(SIM_SECONDS)

check: ## formatting, lints, documentation, generated files
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --no-deps --locked -q
	@$(MAKE) -s gen OUT=target/gen && diff -r docs/generated target/gen && echo "generated files are true"

gen: build ## write generated files anew: docs/generated, score hashes (with BLESS=1)
	@mkdir -p $(OUT)
	@$(BIN) detectors --format markdown > $(OUT)/detectors.md
	@$(BIN) config schema > $(OUT)/config.schema.json
	@if [ -n "$(BLESS)" ]; then WILLET_BLESS=1 $(CARGO) test --locked -q -p willet-core --test conformance scores_have; fi
OUT ?= docs/generated

bench: ## measure the figures beside their peers; writes bench/RESULTS.md
	bench/run.sh

soak: build ## simulation, kills and metamorphic tests without limit
	scripts/soak.sh

fuzz: ## fuzz codecs, log and state readers until stopped
	$(CARGO) run --release --locked -q -p willet-testkit --bin fuzz -- --seconds 0
