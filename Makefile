# The names people and CI run. `make help` lists them.

CARGO ?= cargo
BIN   := target/release/willet
# Seconds and counts of what wants longer; `make soak` runs the same without limit.
SIM_SECONDS         ?= 120
METAMORPHIC_SECONDS ?= 120
KILLS               ?= 30
CONTRACT_SECONDS    ?= 90
LAWS_SECONDS        ?= 60

.DEFAULT_GOAL := help
.PHONY: help run test check accuracy situations laws peers bench instructions gen sim soak fuzz setup build e2e contract page python-test

help: ## list the targets
	@grep -E '^[a-z-]+:.*##' Makefile | sed 's/:.*## /\t/' | expand -t 12

setup:
	@scripts/setup.sh build

build: setup
	$(CARGO) build --release --locked

run: build ## build everything and run the service with a dozen generated sources
	$(BIN) run --demo

test: build ## run all tests, with the longer ones inside their budgets; prints the seconds of each part
	@scripts/setup.sh test
	@CARGO="$(CARGO)" BIN="$(BIN)" METAMORPHIC_SECONDS=$(METAMORPHIC_SECONDS) LAWS_SECONDS=$(LAWS_SECONDS) KILLS=$(KILLS) scripts/test.sh

e2e: build ## drive the page in Chromium through the built binary
	@scripts/setup.sh test
	cd dashboard && npm ci --silent --no-audit --no-fund && npm test --silent
	node dashboard/e2e/run.mjs --binary $(CURDIR)/$(BIN) $(if $(SCREENSHOTS),--screenshots $(SCREENSHOTS))

contract: build ## hold the HTTP interface against its document
	CONTRACT_SECONDS=$(CONTRACT_SECONDS) scripts/schemathesis.sh

sim: ## run the simulation for SIM_SECONDS
	$(CARGO) run --release --locked -q -p willet-testkit --bin simulate -- --seconds $(SIM_SECONDS)

python-test: ## build the Python package's wheel and test it (pytest, mypy, stubtest, ruff)
	@scripts/test_python.sh

check: build ## formatting, lints, documentation, generated files, licences and bans
	@CARGO="$(CARGO)" scripts/check.sh

page: ## build the page into the server's assets (needs Node)
	cd dashboard && npm ci --silent --no-audit --no-fund && npm run build

gen: build ## write generated files anew: docs/generated, protocol; score hashes (with BLESS=1); the page: make page
	@mkdir -p $(OUT)
	@$(BIN) detectors --format markdown > $(OUT)/detectors.md
	@$(BIN) detectors --drift --format markdown > $(OUT)/drift.md
	@$(BIN) config schema > $(OUT)/config.schema.json
	@$(BIN) config openapi > $(if $(filter docs/generated,$(OUT)),protocol/openapi.json,$(OUT)/openapi.json)
	@cd protocol && npm ci --silent --no-audit --no-fund && node reference.mjs > $(CURDIR)/$(OUT)/http.md \
	  && node wire.mjs > $(CURDIR)/$(if $(filter docs/generated,$(OUT)),dashboard/src,$(OUT))/wire.ts
	@if [ -z "$(filter-out docs/generated,$(OUT))" ]; then WILLET_BLESS=1 $(CARGO) test --locked -q -p willet-proto --test vectors; fi
	@if [ -n "$(BLESS)" ]; then WILLET_BLESS=1 $(CARGO) test --locked -q -p willet-core --test conformance scores_have; fi
OUT ?= docs/generated

accuracy: build ## measure every detector over labelled data (DATA, a folder with manifest_*.json and score.py); writes docs/accuracy.md, docs/drift.md and README's first sample
	@if [ -d "$(DATA)" ]; then \
	  [ -x target/accuracy-venv/bin/python ] || { python3 -m venv target/accuracy-venv && target/accuracy-venv/bin/pip install -q numpy; }; \
	  target/accuracy-venv/bin/python scripts/accuracy.py "$(DATA)" target/accuracy $(ONLY) || exit; \
	  $(CARGO) build --release --locked -q -p willet-core --example drift && target/accuracy-venv/bin/python scripts/drift_page.py "$(DATA)" target/accuracy \
	    && target/accuracy-venv/bin/python scripts/readme_sample.py "$(DATA)"; \
	else echo "no labelled data at $(DATA) (DATA=DIR names a folder)"; fi

peers: build ## the same with other libraries' detectors (PEERS and FAMILIES name some), then make accuracy
	@if [ -d "$(DATA)" ]; then \
	  cmp -s bench/requirements-accuracy.txt target/peers/installed || { python3 -m venv target/peers \
	    && target/peers/bin/pip install -q -r bench/requirements-accuracy.txt && cp bench/requirements-accuracy.txt target/peers/installed; } || exit; \
	  target/peers/bin/python bench/peers_accuracy.py "$(DATA)" target/accuracy/peers $(if $(PEERS),--peers $(PEERS)) $(if $(FAMILIES),--families $(FAMILIES)) \
	    && target/peers/bin/python scripts/accuracy.py "$(DATA)" target/accuracy; \
	else echo "no labelled data at $(DATA) (DATA=DIR names a folder)"; fi
DATA ?= ../shared/data

situations: ## play ordinary situations to the kinds and to two rules of thumb (SEEDS); writes docs/situations.md
	$(CARGO) run --release --locked -q -p willet-testkit --bin situations -- --seeds $(SEEDS) --algorithm each --page docs/situations.md
SEEDS ?= 0-9

laws: ## hold every kind to the laws of verdicts for LAWS_SECONDS
	$(CARGO) run --release --locked -q -p willet-testkit --bin laws -- --seconds $(LAWS_SECONDS)

bench: ## measure the figures beside their peers; writes bench/RESULTS.md
	bench/run.sh

instructions: build ## count what an event costs on each hot path and compare with bench/instructions.txt (BLESS=1 writes it)
	@CARGO="$(CARGO)" scripts/instructions.sh $(if $(BLESS),--bless)

soak: build ## simulation, kills, metamorphic tests, laws and situations without limit
	scripts/soak.sh

fuzz: ## fuzz codecs, log and state readers until stopped
	$(CARGO) run --release --locked -q -p willet-testkit --bin fuzz -- --seconds 0
