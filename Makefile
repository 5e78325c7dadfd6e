# `make serve` and `make test` are all that is needed; `make setup` is the part they share.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: serve test setup setup-dev lint types layers schema docs lock check migration evaluate weights

serve: setup
	@exec $(BIN)/tasktalk serve

test: setup-dev
	$(BIN)/pytest -n 2 --dist loadfile

setup: .venv/.installed
setup-dev: .venv/.installed-dev

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.installed: .venv/bin/python requirements/base.txt pyproject.toml
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/base.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.installed-dev: .venv/.installed requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	@touch $@

lint: setup-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup-dev
	$(BIN)/mypy

layers: setup-dev
	$(BIN)/lint-imports

schema: setup
	$(BIN)/tasktalk export-schema > schema.graphql

docs: setup
	$(BIN)/python -m graphql_api.cli.configuration > docs/configuration.md

check: setup-dev
	$(BIN)/tasktalk export-schema --check schema.graphql
	$(BIN)/python -m graphql_api.cli.configuration --check docs/configuration.md

# make evaluate DATES=dates.jsonl COMMANDS=commands.jsonl: how well the built-in interpreter understands labelled rows
evaluate: setup-dev
	$(BIN)/python -m bench.evaluate $(if $(DATES),--dates "$(DATES)") $(if $(COMMANDS),--commands "$(COMMANDS)") $(if $(FOLDS),--folds "$(FOLDS)")

# the weights of the built-in interpreter, always the same from the same sentences
weights: setup-dev
	$(BIN)/python -m bench.understanding.train bench/understanding/utterances.jsonl

# make migration m="Add reminders"
migration: setup
	$(BIN)/python -m migrations.new "$(m)"

lock:
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header -q --extra build pyproject.toml -o requirements/base.txt
	$(BIN)/uv pip compile --universal --generate-hashes --no-emit-index-url --no-header -q --extra build --extra dev pyproject.toml -o requirements/dev.txt
