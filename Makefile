# Needs Python 3.11 or newer with venv and pip, and nothing else.

VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
PYTHON ?= $(firstword $(foreach python,python3 python3.13 python3.12 python3.11,$(shell \
	$(python) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $(python))))
# How many processes share the tests; each has its own database and indices.
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: setup run test test-system bench help

setup: $(VENV)/.installed ## make the virtual environment and fetch the search engine
	@$(BIN)/python -P -m iew.embedded.fetch

run: setup ## start the whole product on http://127.0.0.1:$(PORT), its data in ./var
	@exec $(BIN)/iew up --port $(PORT)

test: setup ## check style, types and layers, and run the test suite
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest -n $(WORKERS)

test-system: setup ## run the tests that need a browser, Debian's servers, or faults
	@.ci/system-packages
	$(BIN)/pytest tests/system

bench: setup ## run the benchmarks
	$(BIN)/python -m tests.bench

help: ## list these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1|\2/p' $(MAKEFILE_LIST) | sed 's/$$(PORT)/$(PORT)/' | \
		while IFS='|' read -r target text; do printf '%-20s %s\n' "$$target" "$$text"; done

$(VENV)/.installed: requirements.lock.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "iew needs Python 3.11 or newer on the PATH (or: make PYTHON=/path/to/python3)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) has no venv; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip --disable-pip-version-check install --no-deps --require-hashes -r requirements.lock.txt
	@$(BIN)/python -m pip --disable-pip-version-check install --quiet --no-deps --no-build-isolation --no-index -e .
	@touch $@
