# Everything runs in .venv; `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: help demo test test-ckan serve lint bench format clean
help:
	@echo "make demo    the sample city end to end, ends by itself"
	@echo "make test    all tests"
	@echo "make test-ckan  the tests that want a real CKAN 2.12, which they make"
	@echo "make serve   portal and API on 127.0.0.1:8000 over the demo's state"
	@echo "make lint    ruff, mypy, import-linter"
	@echo "make bench   measure against the peers"

$(READY): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or later is needed" >&2; exit 2; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || $(MAKE) --no-print-directory python3-venv
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[dev,names]"
	@touch $@

# Debian splits the venv module from python3.
.PHONY: python3-venv
python3-venv:
	@if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq python3-venv; \
	else echo "please run: sudo apt-get install python3-venv" >&2; exit 2; fi

demo: $(READY)
	@$(BIN)/gongkai demo

serve: $(READY)
	@$(BIN)/gongkai serve

test: $(READY)
	@$(BIN)/pytest -n 2 --dist loadgroup --durations=30

test-ckan: $(READY)
	@tests/ckan/start $(BIN)/pytest tests/integration/test_catalog_conformance.py tests/integration/test_publish_to_ckan.py

lint: $(READY)
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy && $(BIN)/lint-imports

format: $(READY)
	@$(BIN)/ruff check --fix . && $(BIN)/ruff format .

bench: $(READY)
	@$(BIN)/python -m tests.benchmarks

clean:
	rm -rf $(VENV) var
