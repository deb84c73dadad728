# Two commands do everything: `make start` and `make test`. `make help` lists the others.

PYTHON ?= python3
PORT ?= 3000
VENV := .venv
BIN := $(VENV)/bin
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.DEFAULT_GOAL := help

.PHONY: start
start: $(VENV)/started ## Serve the whole product at http://127.0.0.1:$(PORT)
	@exec $(BIN)/backbeat serve --port $(PORT)

.PHONY: test
test: $(VENV)/tested ## Run every check and test that needs nothing but Python
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 -m "not slow"

.PHONY: slow
slow: $(VENV)/tested ## Run the tests that take long: the pages in a browser, whole programs, many servers
	$(BIN)/python -m pytest -n 2 -m slow

.PHONY: bench
bench: $(VENV)/tested ## Measure speed, memory and disk
	$(BIN)/python -m tests.bench

.PHONY: lock
lock: $(VENV)/tested ## Write the lock files anew from pyproject.toml
	$(BIN)/python -m pip install --quiet uv==0.13.8
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-header --no-emit-index-url \
		--output-file requirements.lock pyproject.toml
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --upgrade --no-header --no-emit-index-url \
		--extra dev --constraint requirements.lock --output-file requirements-dev.lock pyproject.toml

.PHONY: clean
clean: ## Remove the environments and everything built, but no state
	rm -rf $(VENV) .tools .aws-sam .mypy_cache .ruff_cache .pytest_cache .hypothesis

.PHONY: help
help:
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 22

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Backbeat needs Python 3.11 or later; say which with make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv $(VENV)

# What is installed is what the lock files say; the project itself is only linked.
$(VENV)/started: requirements.lock pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --requirement requirements.lock
	$(BIN)/python -m pip install --quiet --no-deps --editable .
	@touch $@

$(VENV)/tested: requirements-dev.lock $(VENV)/started
	$(BIN)/python -m pip install --quiet --requirement requirements-dev.lock
	@touch $@

include deploy.mk
