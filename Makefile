# On a machine with Python 3.11, `make demo` and `make test` install all that they need.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MINIMUM := .venv-minimum
OUT ?= out/demo
PYTEST := OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n 2

.PHONY: demo test fast test-minimum lint docs bench benchmarks clean

demo: $(VENV)/.installed
	rm -f $(OUT)/study.sqlite*  # run all trials again
	$(BIN)/layerwise study run examples/hierarchical.toml --out $(OUT)

test: $(VENV)/.installed-test
	$(PYTEST)

fast: $(VENV)/.installed-test
	$(PYTEST) -m "not slow"

# The fast tests with the minimum versions that pyproject.toml declares. The newest versions of *their* dependencies
# deprecate what they call, so deprecations are not errors here; doctests are left out (NumPy 1 prints scalars differently).
TESTS ?= tests
test-minimum: $(MINIMUM)/.installed
	OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 $(MINIMUM)/bin/python -m pytest -n 2 -m "not slow" \
		-W default::DeprecationWarning -W default::PendingDeprecationWarning -W default::FutureWarning $(TESTS)

lint: $(VENV)/.installed-lint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/pyright

# The site, in docs/_build/html; a warning is an error, and so is a gallery script that fails.
docs: $(VENV)/.installed-docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html

benchmarks: $(VENV)/.installed
	for script in benchmarks/bench_*.py; do $(BIN)/python $$script || exit 1; done

# The benchmarks of speed and scale, in at most 15 minutes on two cores, and their table.
bench: $(VENV)/.installed
	$(BIN)/python benchmarks/write_table.py

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.installed: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable .
	touch $@

$(VENV)/.installed-test: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	touch $@ $(VENV)/.installed

$(VENV)/.installed-lint: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[test,lint]'
	touch $@ $(VENV)/.installed $(VENV)/.installed-test

$(VENV)/.installed-docs: pyproject.toml | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[docs]'
	touch $@ $(VENV)/.installed

$(MINIMUM)/.installed: pyproject.toml
	$(PYTHON) -m venv --clear $(MINIMUM)
	$(MINIMUM)/bin/python -m pip install --quiet --disable-pip-version-check uv
	$(MINIMUM)/bin/uv pip install --quiet --python $(MINIMUM)/bin/python --resolution lowest-direct --editable '.[test]'
	touch $@

clean:
	rm -rf $(VENV) $(MINIMUM) out build dist docs/_build docs/sg_execution_times.rst docs/generated docs/auto_examples .pytest_cache .ruff_cache
