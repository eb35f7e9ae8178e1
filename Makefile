# `make up` and `make test` do all of their own set-up on a fresh Debian 12.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
.DEFAULT_GOAL := help

help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST)

setup: $(BIN)/.installed ## make the virtual environment and install what is missing

$(BIN)/.installed: pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable . --group dev
	@touch $@

$(BIN)/python:
	@PYTHON=$(PYTHON) sh .ci/debian-packages
	$(PYTHON) -m venv $(VENV)

up: setup ## build the classroom
	@$(BIN)/meshctl validate
	@$(BIN)/meshctl certs init
	@$(BIN)/meshctl render --output rendered
	@$(BIN)/meshctl up

down: setup ## take away what `make up` built
	@$(BIN)/meshctl down

# Much of the live tests is waiting: two processes share the work (tests/conftest.py).
test: setup ## lint, types, layers, then every test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/pytest --numprocesses 2

soak: setup ## the long campaigns, whole
	$(BIN)/pytest --soak

bench: setup ## every benchmark, as ratios measured side by side
	$(BIN)/python -m benchmarks

.PHONY: help setup up down test soak bench
