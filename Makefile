# `make run` and `make test` are all that a visitor needs; both set up what they need first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PORT ?= 8000
# Python compiles what it imports; compiling all that is installed takes a third of the set-up's time.
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile

.DEFAULT_GOAL := help
.PHONY: help run test check lint faults bench migration clean

help:
	@echo "make run          the demo: a small shop, its inbox, and a clock you can speed up"
	@echo "make test         all tests"
	@echo "make check        what CI runs: ruff, mypy, import-linter, all tests"
	@echo "make lint         the same without the tests"
	@echo "make faults       kill, flood and lie to the engine (needs the shared folder)"
	@echo "make bench        the benchmarks, each against a floor of the same run"
	@echo 'make migration m="what changes"   write the next migration'

run: $(VENV)/.run
	@exec $(BIN)/dasi demo --port $(PORT)

# What measures itself against real time runs by itself, after the rest.
test: $(VENV)/.dev
	$(BIN)/pytest -n auto --dist worksteal -q -m "not alone"
	$(BIN)/pytest -q -m alone

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

check: lint test

# Both take OPTIONS, e.g. OPTIONS="--short kills".
faults: $(VENV)/.twin
	$(BIN)/python -m tests.faults $(OPTIONS)

bench: $(VENV)/.dev
	$(BIN)/python -m tests.benchmarks $(OPTIONS)

migration: $(VENV)/.dev
	@file=$$($(BIN)/python -m plugin.store.migrate "$(m)") && \
	$(BIN)/ruff check --fix -q $$file && $(BIN)/ruff format -q $$file && echo "$$file"

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

# The stamps are made anew when pyproject.toml changes.
$(VENV)/.run: pyproject.toml | $(BIN)/python
	$(INSTALL) -e .
	@touch $@

$(VENV)/.dev: pyproject.toml | $(BIN)/python
	$(INSTALL) -e ".[dev]"
	@touch $@ $(VENV)/.run

$(VENV)/.twin: pyproject.toml | $(BIN)/python
	$(INSTALL) -e ".[dev,twin]"
	@touch $@ $(VENV)/.dev $(VENV)/.run

# A machine may have Python without the module that brings pip into a venv: pip itself, or virtualenv, will do as well.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	  echo "Dasi needs Python 3.11 or newer, and $(PYTHON) is not. With another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@rm -rf $(VENV)
	@$(PYTHON) -m venv $(VENV) >/dev/null 2>&1 \
	  || { rm -rf $(VENV); $(PYTHON) -m virtualenv -q $(VENV) 2>/dev/null; } \
	  || { rm -rf $(VENV); $(PYTHON) -m pip --version >/dev/null 2>&1 \
	       && $(PYTHON) -m venv --without-pip $(VENV) 2>/dev/null \
	       && $(PYTHON) -m pip --python $(BIN)/python install --quiet pip 2>/dev/null; } \
	  || { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment. On Debian or Ubuntu: apt-get install python3-venv" >&2; exit 1; }
