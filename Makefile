# Everything happens in .venv with the pinned versions of constraints.txt. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 1

.PHONY: help install demo test test-slow lint format bench train-segmenter train-describer clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 22

install: $(VENV)/.installed ## make .venv with PAR, everything it needs, and the development tools

$(VENV)/.installed: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "PAR needs Python 3.11 or newer; try make PYTHON=python3.12 install")'
	$(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

demo: install ## index sample photographs (or ARCHIVE=folder), run two queries, write a gallery
	$(BIN)/python benchmarks/demo.py $(if $(ARCHIVE),--archive '$(ARCHIVE)')

test: lint ## lint, types, tests
	$(BIN)/python -m pytest

test-slow: install ## the tests that take minutes, such as killing every stage many times
	$(BIN)/python -m pytest -m slow --override-ini addopts=

lint: install ## ruff, mypy, import rules
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: install ## rewrite the code as the linters want it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install ## end-to-end speed against the obvious script, and the limits that PAR promises to keep
	$(BIN)/python benchmarks/bench.py

train-segmenter: install ## train the compact segmenter: make train-segmenter DATA=folder
	$(BIN)/python -m par_core.training.segmenter --data '$(or $(DATA),../shared/data)' --out build/training/segmenter

train-describer: install ## train the compact describer and text tower: make train-describer DATA=folder
	$(BIN)/python -m par_core.training.describer --data '$(or $(DATA),../shared/data)' --out build/training/describer

clean: ## remove what the targets above made, .venv too
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
