# make run   the exporter on its embedded ledger, in a virtual environment of its own
# make demo  the exporter with simulated hosts, and Prometheus if it is installed
# make test  everything: tools, lint, types, tests
# make help  the rest

# The system's own Python where it will do: it is compiled with every optimization, and tests take
# nearly twice as long with one that is not.
PYTHON ?= $(shell /usr/bin/python3 -c 'import ensurepip, sys; sys.exit(sys.version_info < (3, 11))' \
	2>/dev/null && echo /usr/bin/python3 || echo python3)
VENV := .venv
BIN := $(VENV)/bin
# Test processes: more than there are cores, as most tests wait: for servers, or for time to pass.
JOBS ?= 8
FAST_JOBS ?= 12
SIDE_BY_SIDE = $(BIN)/python -P tests/support/workers.py
TWO_JOBS = $(MAKE) --no-print-directory --jobs=2
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
# uv takes a fifth of pip's time. Of pip's settings it is told the index; where it fails, pip goes on.
UV = UV_SYSTEM_CERTS=1 UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$${PIP_INDEX_URL:-$$( \
	$(PIP) config get global.index-url 2>/dev/null)}}" $(BIN)/uv --quiet pip
install = @$(UV) install --python $(BIN)/python --no-deps $(1) || $(PIP) install --no-deps $(1)

# Compiled files are kept: hundreds of programs that tests start would compile them again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help run demo test test-fast fuzz bench tools lint format generated golden lock clean \
	side-by-side style types

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

run: $(VENV)/installed ## Run the exporter
	$(BIN)/css-exporter serve

demo: $(VENV)/installed ## Run exporter, simulated hosts and Prometheus together
	$(BIN)/python -m exporter.demo $(DEMO)

test: ## Install what tests need, then lint and test
	$(TWO_JOBS) $(VENV)/installed-dev tools
	$(TWO_JOBS) style
	$(TWO_JOBS) types side-by-side
	$(BIN)/python -m pytest -m alone

side-by-side: $(VENV)/installed-dev
	$(SIDE_BY_SIDE) $(JOBS) -m "not alone" --dist loadscope --no-loadscope-reorder

test-fast: $(VENV)/installed-dev ## Test what starts no program: the core, receiver, memory, SQLite
	$(SIDE_BY_SIDE) $(FAST_JOBS) -q --fast --dist worksteal

fuzz: $(VENV)/installed-dev ## Look for packets that break something, SECONDS=600 long
	cd tests && PYTHONPATH=. ../$(BIN)/python -m fuzz --seconds $(SECONDS)

SECONDS := 600

bench: $(VENV)/installed-dev tools ## Measure all contenders in turns, on a machine that does nothing else
	PYTHONPATH=tests $(BIN)/python -m bench $(BENCH)

tools: ## Install the real programs that tests use (Debian, as root)
	sh tests/install-tools.sh

lint: style types ## Check style and types

style: $(VENV)/installed-dev
	$(BIN)/ruff check --quiet .
	$(BIN)/ruff format --quiet --check .

types: $(VENV)/installed-dev
	$(BIN)/mypy --no-error-summary

format: $(VENV)/installed-dev ## Put the code in the house style
	$(BIN)/ruff check --quiet --fix . ; $(BIN)/ruff format --quiet .

generated: $(VENV)/installed-dev ## Write the files that code makes: tables, dashboards, rules
	$(BIN)/python -m docs.build
	$(BIN)/python -m grafana.build
	$(BIN)/python -m deploy.kubernetes.build

golden: $(VENV)/installed-dev ## Rewrite the committed scrapes that tests compare with
	UPDATE_GOLDEN=1 $(BIN)/python -m pytest -q tests/web/test_golden_scrape.py

lock: $(VENV)/installed-dev ## Pin what is installed, with hashes and without addresses
	$(LOCK) --group installer -o requirements-uv.lock
	$(LOCK) $(PROJECT) --group build -o requirements.lock
	$(LOCK) $(PROJECT) --group build --group dev --constraint requirements.lock \
	    $$(sed -n 's/^\([^ =]*\)==.*/--no-emit-package \1/p' requirements.lock) -o requirements-dev.lock

LOCK := $(BIN)/uv pip compile --universal --python-version 3.11 --generate-hashes --no-header \
	--no-emit-index-url --no-emit-find-links --quiet --no-config --upgrade
PROJECT := pyproject.toml --extra postgres --extra tencentcloud

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	    { echo "Python 3.11 or newer is needed: make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(BIN)/uv: requirements-uv.lock | $(BIN)/python
	$(PIP) install --no-deps --require-hashes -r $<
	touch $@

$(VENV)/installed: requirements.lock pyproject.toml | $(BIN)/uv
	$(call install,--require-hashes -r $<)
	$(call install,--no-build-isolation --editable .)
	touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	$(call install,--require-hashes -r $<)
	$(BIN)/uv --quiet pip check --python $(BIN)/python
	touch $@

clean: ## Remove the environment and caches, never data
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
