# airvec: everything that a person runs here. Needs only Python >= 3.11 and make; `make` alone lists the targets.

# The first of these that runs and is new enough; the pinned versions in constraints.txt were tested with 3.11.
PYTHON ?= $(shell for name in python3.11 python3.12 python3.13 python3.14 python3 python; do \
  if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then echo $$name; break; fi; done)

ENV := .venv
DEMO_ENV := .venv-demo
OTHERS_ENV := .venv-others
BIN := $(ENV)/bin
# pip keeps torch's CPU build where constraints.txt's torch==2.13.0 is served as one; see README.
PIP_FLAGS := --quiet --disable-pip-version-check --constraint constraints.txt
RUNTIME_FILES := $(shell find runtime/airvec -type f -not -name '*.pyc' 2>/dev/null)
SOURCES := runtime exporter trainer
# Two workers on two cores took as long as none and twice the CPU: each imports torch and exports for itself, and
# torch uses both cores anyway. More cores: make test JOBS=4.
JOBS ?= 0
# In the order in which make bench runs them. To see that they work: make bench BENCH_ARGS=--quick.
BENCHES := speed rerank sparse static search growth ablation
BENCH_ARGS ?=

.DELETE_ON_ERROR:
.PHONY: help demo test test-fast test-slow test-others test-parity test-interop test-deploy check check-style check-types check-layers check-dependencies \
  check-spelling format checkpoint bench parity clean clean-environments

help:  ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-20s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO_ENV)/ready  ## semantic search and similarity with the runtime alone, in an environment of its own
	@$(DEMO_ENV)/bin/python docs/demo.py

test: test-fast test-slow test-others  ## all tests but those of make test-parity, test-interop and test-deploy

test-fast: $(ENV)/ready  ## the tests that take seconds
	$(BIN)/python -m pytest -m "not slow and not parity and not interop and not deploy" --numprocesses $(JOBS)

test-slow: $(ENV)/ready  ## the tests that take longer: exports, the wheel
	$(BIN)/python -m pytest -m "slow and not parity and not interop and not deploy" --numprocesses $(JOBS)

test-parity: $(ENV)/ready  ## every number against sentence-transformers on torch: minutes
	$(BIN)/python -m pytest -m parity --numprocesses $(JOBS)

test-interop: $(ENV)/ready  ## folders of other libraries here, and ours there: makes their environments, minutes
	$(BIN)/python -m pytest -m interop

test-deploy: $(ENV)/ready  ## layers and folders of real packages, packed from PyPI and run on bare Pythons: minutes
	$(BIN)/python -m pytest -m deploy

test-others: $(OTHERS_ENV)/ready  ## KeyBERT and LangChain on airvec, where torch is not installed
	$(OTHERS_ENV)/bin/python tests/others/check_drop_in.py

check: check-style check-types check-layers check-dependencies check-spelling  ## style, types, layers, dependencies, spelling

check-style: $(ENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

check-types: $(ENV)/ready
	$(BIN)/pyright --pythonpath $(BIN)/python

check-layers: $(ENV)/ready
	$(BIN)/lint-imports

# All three packages against everything declared; then the runtime alone, where an exporter's package is out of place.
check-dependencies: $(ENV)/ready
	$(BIN)/deptry $(SOURCES)
	$(BIN)/deptry runtime --optional-dependencies-dev-groups export,train,export-openvino,peft

check-spelling: $(ENV)/ready
	$(BIN)/codespell

format: $(ENV)/ready  ## let ruff mend and format what it can
	$(BIN)/ruff check --fix-only .
	$(BIN)/ruff format .

checkpoint: $(ENV)/ready  ## fetch all-MiniLM-L6-v2 (84 MB) into .cache/ and print where it is
	@$(BIN)/python tests/checkpoint.py

bench: $(ENV)/ready  ## all that docs/performance.md is made of: half an hour, and other libraries' environments on the first run
	@set -e; for name in $(BENCHES); do echo "benchmarks/$$name.py"; $(BIN)/python benchmarks/$$name.py $(BENCH_ARGS); done
	$(BIN)/python docs/make_performance.py

parity: $(ENV)/ready  ## every architecture and family against sentence-transformers; writes docs/parity.md
	$(BIN)/python -m tests.parity.table

clean: clean-environments  ## remove environments, caches and built files
	rm -rf .cache build dist .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

clean-environments:
	rm -rf $(ENV) $(DEMO_ENV) $(OTHERS_ENV) .venv-interop-*

# An environment is ready once its stamp is newer than what it was made from.
$(ENV)/ready: pyproject.toml constraints.txt
	@$(call make-environment,$(ENV))
	@echo "installing what developing needs (torch is large: minutes)"
	@$(BIN)/python -m pip install $(PIP_FLAGS) --editable ".[export,train,export-openvino]" --group check --group test --group benchmark
	@touch $@

$(DEMO_ENV)/ready: pyproject.toml constraints.txt README.md $(RUNTIME_FILES)
	@$(call make-environment,$(DEMO_ENV))
	@$(DEMO_ENV)/bin/python -m pip install $(PIP_FLAGS) .
	@touch $@

# keybert without its dependencies: it requires sentence-transformers, whose place airvec takes.
$(OTHERS_ENV)/ready: tests/others/requirements.txt pyproject.toml $(RUNTIME_FILES)
	@$(call make-environment,$(OTHERS_ENV))
	@$(OTHERS_ENV)/bin/python -m pip install --quiet --disable-pip-version-check --requirement tests/others/requirements.txt
	@$(OTHERS_ENV)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps keybert==0.9.0 .
	@touch $@

# A fresh environment with the pinned pip: older ones know no dependency groups.
define make-environment
if [ -z "$(PYTHON)" ]; then \
  echo "airvec needs Python 3.11 or newer, and none was found. Install one, or name it: make PYTHON=/path/to/python3.11" >&2; \
  exit 1; \
fi; \
echo "making $(1) with $$($(PYTHON) --version)"; \
rm -rf $(1) && $(PYTHON) -m venv $(1) && $(1)/bin/python -m pip install $(PIP_FLAGS) --upgrade pip
endef
