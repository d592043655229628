# Two commands on a fresh machine: `make demo` and `make test`. Both may be repeated.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
# The lock files are by hash; anitopy comes as source and needs the build tools first.
INSTALL := $(PIP) install --no-build-isolation --require-hashes
export PYTHONWARNINGS ?= default

.PHONY: help demo test check lint types layers tests bench docs lock clean
help:  ## What there is to make
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 12

demo: $(VENV)/run.stamp  ## Take three episodes through the whole spring, here and now
	$(BIN)/izumi demo

test: $(VENV)/dev.stamp  ## Every check and every test
	$(BIN)/python -m tests.checks

lint: $(VENV)/dev.stamp  ## Style and dead code
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

types: $(VENV)/dev.stamp  ## mypy, strict
	$(BIN)/mypy

layers: $(VENV)/dev.stamp  ## Who may import whom
	$(BIN)/lint-imports

tests: $(VENV)/dev.stamp  ## Tests alone, without coverage
	$(BIN)/pytest

bench: $(VENV)/bench.stamp  ## Ratios to peers, measured in the same run
	$(BIN)/python -m benchmarks.bus
	$(BIN)/python -m benchmarks.idle
	$(BIN)/python -m benchmarks.admin
	$(BIN)/python -m benchmarks.encoder
	$(BIN)/python -m benchmarks.acquisition
	$(BIN)/python -m benchmarks.gateway

docs: $(VENV)/run.stamp  ## Write the generated pages of docs/ again
	$(BIN)/izumi config reference > docs/configuration.md
	$(BIN)/python -m izumi.commands.schemas > docs/messages.md

lock: ## Resolve requirements/ again (needs uv)
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet pyproject.toml -o requirements/run.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet pyproject.toml --group dev -o requirements/dev.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet pyproject.toml --group dev --group bench -o requirements/bench.txt
	uv pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet --group build -o requirements/build.txt

clean:  ## Remove what was made here
	rm -rf $(VENV) .demo .coverage .coverage.* .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

$(VENV)/build.stamp: requirements/build.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes -r requirements/build.txt
	touch $@

$(VENV)/run.stamp: $(VENV)/build.stamp requirements/run.txt pyproject.toml
	$(INSTALL) -r requirements/run.txt
	$(PIP) install --no-deps --no-build-isolation --editable .
	touch $@

$(VENV)/dev.stamp: $(VENV)/run.stamp requirements/dev.txt
	$(INSTALL) -r requirements/dev.txt
	touch $@

$(VENV)/bench.stamp: $(VENV)/dev.stamp requirements/bench.txt
	$(INSTALL) -r requirements/bench.txt
	touch $@
