# Every target sets itself up; nothing but Python 3.11+ and make has to be there.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

STACK ?= dev
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
ARCHES := $(BIN)/arches
# Set-up messages go to standard error, so that `make -s render` can be piped.
SAY := >&2 echo

# Compiled modules make a preview three times as fast.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show this help
	@grep -hE '^[a-z0-9-]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{ printf "%-18s%s\n", $$1, $$2 }'

# ---- set-up ---------------------------------------------------------------------------------------------------------
$(VENV)/.python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { $(SAY) "error: Python 3.11 or newer is needed; set PYTHON=<path>"; exit 1; }
	@$(SAY) "Making the virtual environment $(VENV) …"
	@$(PYTHON) -m venv $(VENV)
	@touch $@

# $(call install,file): every package of a file of pins; on a terminal with a count that moves, else without output.
define install
@$(BIN)/pip install --disable-pip-version-check --progress-bar off --require-hashes -r $(1) | awk \
  -v all="$$(grep -c == $(1))" -v terminal="$$(test -t 2 && echo 1 || true)" \
  '/^Collecting / && terminal { printf "\r%d of %d packages", ++n, all >"/dev/stderr" } END { if (n) print "" >"/dev/stderr" }'
endef

$(VENV)/.runtime: requirements.txt pyproject.toml $(VENV)/.python
	@$(SAY) "Installing the program's packages (first run only) …"
	$(call install,requirements.txt)
	@$(BIN)/pip install --disable-pip-version-check --quiet --no-build-isolation --no-deps --editable . >&2
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	@$(SAY) "Installing the development tools (first run only) …"
	$(call install,requirements-dev.txt)
	@touch $@

.PHONY: setup setup-dev
setup: $(VENV)/.runtime
setup-dev: $(VENV)/.dev

# ---- the program ----------------------------------------------------------------------------------------------------
.PHONY: preview up destroy render
preview: setup ## Show what `up` would do: make preview [STACK=dev] [POLICY=1]
	@$(ARCHES) preview --stack $(STACK) $(if $(POLICY),--policy) $(ARGS)

up: setup ## Apply the stack to the cluster: make up [STACK=dev]
	@$(ARCHES) up --stack $(STACK) $(ARGS)

destroy: setup ## Remove the stack's objects, all but the data that is kept
	@$(ARCHES) destroy --stack $(STACK) $(ARGS)

render: setup ## Write the stack as YAML: make -s render STACK=prod [OUT=directory]
	@$(ARCHES) render --stack $(STACK) $(if $(OUT),--out $(OUT)) $(ARGS)

.PHONY: cluster
cluster: setup ## Make a local cluster in containers (k3d, or kind)
	@$(ARCHES) cluster up $(ARGS)

# ---- tests ----------------------------------------------------------------------------------------------------------
PYTEST := $(BIN)/python -m pytest

.PHONY: test test-cluster test-engine test-node test-all bench
test: setup-dev ## Every tier that needs nothing built, and the others where their parts are there (quick)
	@$(BIN)/python -m tools.tiers quick

test-cluster: setup-dev ## Build the control plane where it is missing and run tier `cluster` on it
	@$(BIN)/python -m tools.tiers cluster

test-engine: setup-dev ## Run tier `engine`: the real Pulumi engine on the control plane
	@$(BIN)/python -m tools.tiers engine

test-node: setup-dev ## Run tier `node`: real kubelets, containers and enforced policies (root)
	@$(BIN)/python -m tools.tiers node

test-all: setup-dev ## Build what is missing and run every tier
	@$(BIN)/python -m tools.tiers all

bench: setup-dev ## Seconds of import, configuration, evaluation and rendering
	@$(BIN)/python -m tools.bench $(ARGS)

# ---- checks ---------------------------------------------------------------------------------------------------------
.PHONY: check format lint types generated scan
check: setup-dev lint types generated scan ## Format, lint, types, generated files, manifest scanners where they are installed

format: setup-dev ## Format the code
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

SCRIPTS = $(wildcard archesai_infra/components/*/scripts/*.sh archesai_infra/components/*/*/scripts/*.sh)

lint: setup-dev
	@echo "ruff format" && $(BIN)/ruff format --check --quiet .
	@echo "ruff check" && $(BIN)/ruff check --quiet .
	@echo "shellcheck" && $(BIN)/shellcheck $(SCRIPTS)

types: setup-dev
	@echo "pyright" && PYRIGHT_PYTHON_IGNORE_WARNINGS=1 $(BIN)/pyright

generated: setup-dev
	@echo "goldens, schema, documentation" && $(BIN)/python -m tools.generate --check

scan: setup-dev
	@$(BIN)/python -m tools.scan

.PHONY: goldens lock
goldens: setup-dev ## Regenerate rendered/, the schema and the generated documentation
	@$(BIN)/python -m tools.generate

lock: setup-dev ## Update the pinned packages
	@$(BIN)/uv pip compile --quiet pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements.txt
	@$(BIN)/uv pip compile --quiet pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-header --no-annotate -o requirements-dev.txt

.PHONY: clean
clean: ## Remove what the targets made, but not the local state
	@rm -rf $(VENV) build .pytest_cache .ruff_cache *.egg-info
