# Targets for people; each is one command. `make demo` is the first thing to type.
SHELL := /bin/bash
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
EXTRA := $(if $(GPU),gpu,cpu)

.PHONY: demo test quick lint check format wheel gpu-check clean

demo: ## install the small stack (no PyTorch; GPU=1 for the other) and see the whole job done
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c "import faiss, onnxruntime, click, cv2" 2>/dev/null && test -x $(BIN)/kaodex \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[$(EXTRA)]"
	@$(BIN)/kaodex demo

test: $(VENV)/.all ## install everything and run all tests
	$(BIN)/python -m pytest -n auto

quick: $(VENV)/.all ## the tests that take seconds
	$(BIN)/python -m pytest -n auto -m "not slow"

lint: $(VENV)/.all ## format, lint, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

check: lint test ## all that a change must pass

format: $(VENV)/.all
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

wheel: $(VENV)/.all ## dist/kaodex-*.whl
	rm -rf dist
	$(BIN)/python -m build --wheel --outdir dist .

gpu-check: ## on a GPU machine: FAISS and the encoder there against the CPU's answers
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -c "import torch, faiss" 2>/dev/null || $(BIN)/python -m pip install --quiet -e ".[gpu]"
	$(BIN)/python benchmarks/gpu.py

$(VENV)/.all: pyproject.toml
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[all,dev]"
	@touch $@

clean:
	rm -rf dist build .pytest_cache .ruff_cache .mypy_cache .hypothesis
