# `make` alone lists the targets.
PUBLIC_DATA ?= ../shared/data
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup lock demo test check up docs bench clean

help: ## List the targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

setup: $(STAMP) ## Create the environment and install the locked dependencies

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	awk '/^uv==/{on=1} on{print} on&&!/\\$$/{exit}' requirements.lock > $(VENV)/uv.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r $(VENV)/uv.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	touch $(STAMP)

lock: ## Regenerate requirements.lock from pyproject.toml
	$(BIN)/uv pip compile --quiet --generate-hashes --no-header --python-version 3.11 --group dev pyproject.toml -o requirements.lock

demo: setup ## The whole walk: historian row to ERP order and back
	$(BIN)/wearcast demo --femto $(PUBLIC_DATA)/femto

up: setup ## Start the long-running system; Ctrl-C stops it
	$(BIN)/wearcast up

test: setup ## Every test (offline)
	PUBLIC_DATA=$(abspath $(PUBLIC_DATA)) $(BIN)/python -m pytest -n 2 --dist loadfile

check: setup ## Format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup ## Regenerate the generated reference pages and figures
	mkdir -p docs/reference
	$(BIN)/python -m features catalogue > docs/reference/features.md
	@if [ -d $(PUBLIC_DATA)/femto ]; then \
	  $(BIN)/python docs/femto_figures.py --data $(PUBLIC_DATA)/femto docs/explanation/figures; \
	else echo "no $(PUBLIC_DATA)/femto: its figures stay as they are"; fi

bench: setup ## Add the peers of the benchmark (tsfel) beside the pins, measure the features
	$(BIN)/uv pip install --quiet --python $(BIN)/python 'tsfel>=0.2' -c requirements.lock
	$(BIN)/wearcast benchmark features

clean: ## Remove the environment and the demo's data
	rm -rf $(VENV) data/demo
