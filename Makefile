# Needs Python 3.11 to 3.13 and nothing else: `make PYTHON=python3.12 test` uses another one.
PYTHON ?= python3
export PYTHONDONTWRITEBYTECODE =
export UV_LINK_MODE = copy
.PHONY: setup demo test test-long test-faults bench fmt check lock

setup: .venv/ready

.venv/ready: requirements.lock pyproject.toml ; @$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "Python 3.11, 3.12 or 3.13 is needed: make PYTHON=python3.11 setup")' && $(PYTHON) -m venv .venv && .venv/bin/pip install -q uv && (.venv/bin/uv pip install -q --python .venv --compile-bytecode --require-hashes -r requirements.lock || .venv/bin/pip install -q --require-hashes -r requirements.lock) && .venv/bin/pip install -q --no-deps --no-build-isolation -e . && touch $@

demo: setup ; @.venv/bin/python -m orchestration.cli demo $(DEMO_ARGS)

test: setup ; @.venv/bin/python -m pytest $(TEST_ARGS)

test-long: setup ; @IKUSEI_LONG_TESTS=1 .venv/bin/python -m pytest $(TEST_ARGS)

FAULTS = $(addprefix tests/test_,activation_tryton.py ingestion_tryton.py three_voices.py $(addprefix destination_,hubspot.py kintone.py salesforce.py bottlecrm.py))
test-faults: setup ; @IKUSEI_LONG_TESTS=1 .venv/bin/python -m pytest -s -n 0 $(FAULTS)

bench: setup ; @.venv/bin/python tests/bench/bench.py $(BENCH_ARGS)

fmt: setup ; @.venv/bin/ruff check -q --fix . ; .venv/bin/ruff format -q . && .venv/bin/sqlfmt -q dbt_project

check: setup ; @.venv/bin/ruff check . && .venv/bin/ruff format --check . && .venv/bin/sqlfmt --check -q dbt_project

lock: setup ; @.venv/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --extra dev pyproject.toml -o requirements.lock
