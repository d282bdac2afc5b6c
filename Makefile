# handflow's commands for Linux and macOS (GNU make). Needs Python 3.11 to 3.13; neither root nor a compiler.
# On Windows, CONTRIBUTING.md has the same as plain commands.
#
#   make demo PYTHON=python3.12    another Python
#   make demo TORCH_INDEX=URL      a further package index, searched for torch: on Linux the default one
#                                  brings CUDA builds of several GB where a CPU build would do

PYTHON ?= python3
VENV ?= .venv
PEERS ?= .venv-peers
TORCH_INDEX ?=
PYTEST_ARGS ?=

PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --quiet
# The versions that benchmarks measure against; newer ones look up an address on the network as they start.
MEDIAPIPE := mediapipe==0.10.33
# Keras 3 with its usual backend; Linux and Windows have a wheel without CUDA.
KERAS := "tensorflow-cpu==2.21.0; sys_platform != 'darwin'" "tensorflow==2.21.0; sys_platform == 'darwin'"

.DEFAULT_GOAL := help
.PHONY: help demo test test-all lint format bench peers golden wheels dist constraints clean clean-all

help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile

demo: $(VENV)/.train  ## the main job on synthetic hands: sets up, trains, recognizes, needs no camera
	$(VENV)/bin/handflow demo

test: lint  ## style, types and all fast tests
	$(PY) -m pytest -m "not slow" $(PYTEST_ARGS)

test-all: $(VENV)/.dev  ## every test, slow ones too
	$(PY) -m pytest $(PYTEST_ARGS)

lint: $(VENV)/.dev  ## style and types alone
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy

format: $(VENV)/.dev  ## bring the style in order
	$(PY) -m ruff check --fix
	$(PY) -m ruff format

bench: $(VENV)/.train  ## the benchmark tables (with the peers' columns after `make peers`)
	$(VENV)/bin/handflow bench hands
	$(VENV)/bin/handflow bench train
	$(VENV)/bin/handflow bench teach
	$(VENV)/bin/handflow bench stream

peers: $(PEERS)/.made  ## .venv-peers: what the benchmarks measure against

golden: peers  ## write anew what Keras answers, which the tests of the networks compare with
	$(PEERS)/bin/python src/handflow/bench/keras_peer.py check tests/train/keras_golden.json

wheels: $(VENV)/.dev  ## check that the core's wheels exist for all systems and Pythons
	$(PY) tools/check_wheels.py
	$(PY) tools/check_wheels.py --constraints constraints.txt

dist: $(VENV)/.dev  ## build sdist and wheel into dist/ and check what they hold
	rm -rf dist
	$(PY) -m build --outdir dist
	$(PY) tools/check_dist.py dist

constraints: $(VENV)/.dev  ## write constraints.txt from what .venv holds
	$(PY) tools/freeze.py constraints.txt

clean:  ## remove caches and build results
	rm -rf build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find src tests tools benchmarks -name __pycache__ -type d -prune -exec rm -rf {} +

clean-all: clean  ## remove the environments as well
	rm -rf $(VENV) $(PEERS)

# Each stamp stands for one finished step, so that nothing is installed twice.

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "handflow needs Python 3.11 to 3.13, but $(PYTHON) is %d.%d: make ... PYTHON=python3.12" % v)'
	$(PYTHON) -m venv $(VENV)
	@touch $@

# torch first and alone: the range lets pip keep, or find first, a CPU build that matches it.
$(VENV)/.torch: $(VENV)/.made constraints.txt
	@echo "installing torch: some minutes the first time"
	$(PIP) install $(if $(TORCH_INDEX),--extra-index-url $(TORCH_INDEX)) "torch>=2.11,<2.14" -c constraints.txt
	@touch $@

$(VENV)/.train: $(VENV)/.torch pyproject.toml
	@echo "installing handflow and what it needs"
	$(PIP) install -e ".[train]" -c constraints.txt
	@touch $@

$(VENV)/.dev: $(VENV)/.torch pyproject.toml
	@echo "installing handflow, what it needs and the tools of its tests"
	$(PIP) install -e ".[dev]" -c constraints.txt
	@touch $(VENV)/.train $@

$(PEERS)/.made:
	$(PYTHON) -m venv $(PEERS)
	$(PEERS)/bin/python -m pip --disable-pip-version-check --quiet install --only-binary=:all: "$(MEDIAPIPE)" $(KERAS)
	@touch $@
