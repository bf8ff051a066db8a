# Everything runs from .venv, made from the pinned and hashed requirements.txt.
PYTHON ?= python3
BIN := .venv/bin
# The tests of a file share what it serves, and files come in their order: the few that take long by themselves are not
# kept for last. The programs that tests start find themselves compiled, whatever the environment says.
# What fails is run once more, and the summary counts it: real terminals and processes are late on a busy machine.
PYTEST := PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder --reruns 1
STAMP := .venv/.ready

.PHONY: setup demo test check lint coverage bench lock clean

setup: $(STAMP)

# A machine whose python3 lacks ensurepip gets its packages from the system's pip instead.
$(STAMP): requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "gextui needs Python 3.11 or newer; set PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv .venv 2>/dev/null || $(PYTHON) -m venv --without-pip .venv
	@if [ -x $(BIN)/pip ]; then pip="$(BIN)/python -m pip"; else pip="$(PYTHON) -m pip --python $(BIN)/python"; fi; \
	$$pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: -r requirements.txt && \
	$$pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $(STAMP)

demo: setup
	@$(BIN)/gextui demo

test: setup
	@$(PYTEST)

lint: setup
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo 2>/dev/null || $(BIN)/lint-imports

check: lint
	@$(PYTEST)

# Which lines no test runs; takes half as long again.
coverage: setup
	@$(PYTEST) --cov --cov-report=term:skip-covered

bench: setup
	@$(BIN)/python -m benchmarks

# Maintainers: resolve pyproject.toml anew into requirements.txt.
lock:
	uv pip compile pyproject.toml --extra dev --universal --generate-hashes --no-annotate --no-header --no-strip-extras --python-version 3.11 --upgrade -o requirements.txt

clean:
	rm -rf .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis htmlcov .coverage
