# What developing Towpath needs, one target each. `make` alone shows them. Nothing here asks for input.

SHELL := /bin/bash
TOOLS := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/towpath-dev/tools
# uv from the PATH, else installed by pip, once, into a folder outside the checkout.
UV := $(or $(shell command -v uv 2>/dev/null),$(TOOLS)/bin/uv)
RUN := $(UV) run --frozen
CLUSTER := $(RUN) python -m dev.cluster

.DEFAULT_GOAL := help
.PHONY: help up down status test-unit test test-cluster check generate lock bench chaos ui ui-if-possible test-ui screenshots

help: ## Show the targets
	@awk -F ':.*## ' '/^[a-z][a-z-]*:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: uv.lock ui-if-possible ## Start a cluster, install Towpath in it, run the first example (TOWPATH_CLUSTER=kind|bare|current|none)
	@$(CLUSTER) up

down: uv.lock ## End what `make up` started
	@$(CLUSTER) down

status: uv.lock ## Say what of the cluster runs
	@$(CLUSTER) status

test-unit: uv.lock ## Unit tests: no cluster, under a minute
	$(RUN) pytest tests/unit -q -n auto

test: uv.lock ui ## All tests: unit, integration, end to end on a real cluster, every page in Chromium
	@$(CLUSTER) test-programs
	@$(CLUSTER) start
	@$(CLUSTER) build-images
	$(RUN) pytest tests/unit -n auto
	$(RUN) pytest tests/integration tests/e2e
	@$(MAKE) --no-print-directory test-ui

test-cluster: uv.lock ## Start, cut off, kill and end the bare cluster many times; it must leave no trace (4 min)
	TOWPATH_TEST_CLUSTER_DOWN=1 $(RUN) pytest tests/integration/dev -q

check: uv.lock ## Format, lint, types, import contracts, generated files fresh
	$(RUN) ruff format --check
	$(RUN) ruff check
	$(RUN) pyright
	$(RUN) lint-imports
	$(RUN) python -m dev.generate --check
	$(RUN) python -m dev.lock --check

generate: uv.lock ## Write the CRDs and what else comes from the contract
	$(RUN) python -m dev.generate

lock: uv.lock ## Pin what the dependencies resolve to (LOCK=--upgrade takes the newest)
	$(RUN) python -m dev.lock $(LOCK)

bench: uv.lock ui ## Measure, beside the neighbours and in Chromium
	$(RUN) --group ui python -m dev.bench

chaos: uv.lock ## Kill the API under load, 50 times, alone and beside another replica; nothing acknowledged may be lost (15 min)
	TOWPATH_TEST_KILLS=50 $(RUN) pytest tests/integration/api -q -k killed

ui: ## Build the UI into the operator's package (Node.js from PyPI where there is none)
	@ui/scripts/with-node.sh npm ci
	@ui/scripts/with-node.sh npm run build

ui-if-possible:
	@ui/scripts/build-if-possible.sh

test-ui: ui uv.lock ## Check the UI: types, lint, vitest, every page in Chromium (TOWPATH_CHROMIUM, else /usr/bin/chromium)
	@ui/scripts/with-node.sh npm run check
	$(RUN) --group ui pytest tests/e2e_ui -q -n auto --maxprocesses 4

screenshots: ui uv.lock ## Make the pictures of README and docs anew: a server with real runs, looked at in Chromium
	$(RUN) --group ui python -m dev.ui.screenshots

# uv's lock file names this machine's package index, so it is made here from the pins in pyproject.toml.
uv.lock: pyproject.toml sdk/pyproject.toml operator/pyproject.toml | $(UV)
	@$(UV) lock --quiet && touch $@

$(TOOLS)/bin/uv:
	python3 -m venv $(TOOLS)
	$(TOOLS)/bin/pip install --quiet uv
