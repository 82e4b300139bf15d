# Everything runs in .venv, which these commands make. PYTHON is the interpreter to make it with.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help demo test format messages env clean

help:  ## Say what there is to do
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --editable '.[web]'
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed
	$(BIN)/pip install --quiet --editable '.[dev]'
	touch $@

demo: $(VENV)/.installed  ## Run the pipeline over demo feedback and report on it
	$(BIN)/listening demo

test: $(VENV)/.installed-dev  ## Check types and style, and run the tests
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/pytest

format: $(VENV)/.installed-dev  ## Format the code
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

messages: $(VENV)/.installed-dev  ## Bring new texts of the pages into the catalogs to translate
	@mkdir -p build
	$(BIN)/pybabel --quiet extract --mapping-file pyproject.toml --keywords N_ --project Listening \
		--add-location file --sort-output --output-file build/messages.pot listening
	$(BIN)/pybabel --quiet update --input-file build/messages.pot --output-dir listening/web/locale \
		--ignore-obsolete --no-fuzzy-matching --ignore-pot-creation-date --width 100

env: .env  ## Write .env for docker compose, with new secrets
.env:
	@umask 077; $(PYTHON) docker/new_secrets.py < .env.example > $@

clean:  ## Remove what these commands made
	rm -rf $(VENV) listening-demo.sqlite*
