# graphlens: every target does its own set-up in .venv; `make help` lists them.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
PIP := $(BIN)/python -m pip install --quiet --quiet --disable-pip-version-check --no-input -c constraints.txt

# Two threads a process are what the numbers of this project were measured with.
export OMP_NUM_THREADS ?= 2
export TF_CPP_MIN_LOG_LEVEL ?= 3
export PYTHONHASHSEED ?= 0

.DEFAULT_GOAL := help
.PHONY: help venv demo test lint types check format bench zoo gallery spellings definitions clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-9s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(STAMP) ## Set up .venv: torch, tensorflow-cpu, the package and what its tests need

# torch first and by its exact version, so that pip takes the CPU build where one is offered and
# no later package can pull in another. torchvision and timm come without their dependencies:
# torchvision's would replace the CPU build of torch.
$(STAMP): pyproject.toml constraints.txt tests/stand_in/torchvision_stand_in.py
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "graphlens needs Python 3.11 or newer: make PYTHON=python3.11 ..."; exit 1; }
	@test -x $(BIN)/python && $(BIN)/python -m pip --version >/dev/null 2>&1 \
	  || $(PYTHON) -m venv --clear $(VENV) >/dev/null 2>&1 \
	  || $(PYTHON) -m virtualenv --quiet --clear $(VENV) 2>/dev/null \
	  || { apt-get update -qq && apt-get install -qq -y python3-venv && $(PYTHON) -m venv --clear $(VENV); } \
	  || { rm -rf $(VENV); echo "no virtual environment: apt-get install python3-venv"; exit 1; }
	@echo "setting up $(VENV): some minutes the first time"
	$(PIP) --upgrade pip
	$(PIP) torch
	$(PIP) tensorflow-cpu
	$(PIP) --editable '.[runtime,pictures,complete,sweep,cluster]' --group dev
	$(PIP) --no-deps torchvision timm
	@command -v chromium google-chrome chrome >/dev/null 2>&1 \
	  || { apt-get update -qq && apt-get install -qq -y --no-install-recommends chromium; } >/dev/null 2>&1 \
	  || echo "no Chromium: the tests of the pages (tests/page) need one on the PATH"
	@cp tests/stand_in/torchvision_stand_in.* \
	  "$$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')"
	@touch $@

demo: $(STAMP) ## ResNet-50 from PyTorch and from Keras: captured, optimised, proven, drawn in build/demo
	$(BIN)/python gallery/demo.py build/demo

# Two workers, one a core of the machine that this is sized for; a file's tests stay together, so
# that a module's model is captured once.
test: $(STAMP) ## Run the tests
	$(BIN)/python -m pytest --numprocesses 2 --dist loadfile

lint: $(STAMP) ## Check style and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(STAMP) ## Check types
	$(BIN)/pyright

check: lint types test ## Everything that must be green before a commit

format: $(STAMP) ## Format, and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(STAMP) ## Measure against torchview and onnxsim, and the growth to 100,000 nodes
	$(BIN)/python tests/bench/report.py build/bench

zoo: $(STAMP) ## Sweep over whole model libraries, hours long: build/zoo.jsonl, .md and .html
	@mkdir -p build
	$(BIN)/graphlens sweep torchvision timm transformers keras keras-torch keras-layers \
	  keras-layers-torch --jobs 2 -o build/zoo.jsonl -o build/zoo.md -o build/zoo.html
	$(BIN)/python -m pytest -m zoo

# A page is run again when its script changes, and all of them when what they draw with does.
DRAWN := gallery/_generated/.drawn
$(DRAWN): $(shell find graphlens -name '*.py') $(wildcard gallery/*.py gallery/pages/*.jsonl gallery/pages/*.csv)
	@rm -rf $(@D) && mkdir -p $(@D) && touch $@

gallery: $(STAMP) $(DRAWN) ## Build the gallery: every page is run, and draws what it shows
	$(BIN)/python -m sphinx -W --keep-going -q -b html gallery build/gallery

spellings: $(STAMP) ## Work out anew which ops the mapping tables write (graphlens ops)
	$(BIN)/python -m graphlens.frontends.spellings

definitions: $(STAMP) ## Write anew what the TensorFlow here says of its messages and ops
	$(BIN)/python -m graphlens.frontends.tf.definitions

clean: ## Remove what was built, but not .venv
	rm -rf build dist .pytest_cache .ruff_cache
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
