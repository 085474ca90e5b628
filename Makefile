# Everything ko-tui's people do, each target bootstrapping what it needs.
VENV   ?= .venv
PYTHON ?= python3
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
ARGS   ?=

.PHONY: demo test lint format bench lab differential docs screenshots snapshot-demo clean

## make demo: open ko-tui on the bundled snapshot (no cluster, no root, no OVN)
demo: $(STAMP)
	@$(BIN)/ko-tui --demo $(ARGS)

## make test: install what the tests need (OVN from Debian's packages too) and run them
test: $(STAMP)
	@./tests/install-packages
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

## make lint: style, types and import rules
lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: $(STAMP)
	@$(BIN)/ruff check --fix -q . ; $(BIN)/ruff format -q .

## make bench: one line a figure: name value goal ok|short
bench: $(STAMP)
	@./tests/install-packages
	@$(BIN)/python -m bench $(ARGS)

## make lab: a real OVN cluster with a Kubernetes API in front of it, until Ctrl-C
lab: $(STAMP)
	@./tests/install-packages
	@$(BIN)/python -m tests.lab up $(ARGS)

## make differential N=10000: the simulator against the real ovn-trace
differential: $(STAMP)
	@./tests/install-packages
	@$(BIN)/python -m tests.differential $(or $(N),1000)

## make docs: write the parts of docs/ that are made from the code
docs: $(STAMP)
	@$(BIN)/python -m ko_tui.backend.explain.document > docs/ovn-for-humans.md

$(STAMP): pyproject.toml constraints.txt
	@if [ ! -x $(BIN)/python ]; then \
	  if command -v uv >/dev/null 2>&1; then uv venv -q $(VENV); \
	  else $(PYTHON) -m venv $(VENV) 2>/dev/null || ./tests/install-packages --venv $(PYTHON) $(VENV); fi; \
	fi
	@if command -v uv >/dev/null 2>&1; then uv pip install -q --python $(BIN)/python -c constraints.txt -e '.[dev]'; \
	 else $(BIN)/python -m pip install -q --disable-pip-version-check -c constraints.txt -e '.[dev]'; fi
	@touch $(STAMP)

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis dist build

## make screenshots: the pictures in docs/screens, from a real terminal on a fresh lab
screenshots: $(STAMP)
	@./tests/install-packages
	@$(BIN)/python -m tests.e2e.screenshots docs/screens

## make snapshot-demo: rebuild the saved cluster that ships with ko-tui, from a fresh lab
snapshot-demo: $(STAMP)
	@./tests/install-packages
	@$(BIN)/python -m tests.lab run -- $(BIN)/ko-tui snapshot save ko_tui/demo/demo.kosnap --force
