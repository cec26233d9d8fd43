# Everything a newcomer needs: Python >= 3.11 and make.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.PHONY: demo test test-fast test-long test-hsm test-browser test-faults fuzz mutants screens lint format bench bench-sdc lock clean install

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r requirements.lock
	$(BIN)/python -c "import pathlib, sysconfig; pathlib.Path(sysconfig.get_path('purelib'), 'exchange.pth').write_text(str(pathlib.Path.cwd()) + '\n')"
	printf '#!/bin/sh\nexec "$(CURDIR)/$(BIN)/python" -m nodes.cli "$$@"\n' > $(BIN)/exchange && chmod +x $(BIN)/exchange
	touch $(STAMP)

# Other people's readers of our formats, in environments of their own: never imported, never run with ours.
INTEROP := .venv-interop
INTEROP_STAMP := $(INTEROP)/.installed

$(INTEROP_STAMP): tests/interop/requirements.lock tests/interop/aics.lock tests/interop/tuf/package-lock.json
	$(PYTHON) -m venv $(INTEROP)
	$(INTEROP)/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r tests/interop/requirements.lock
	$(PYTHON) -m venv $(INTEROP)/aics
	$(INTEROP)/aics/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps --ignore-requires-python -r tests/interop/aics.lock
	if command -v npm >/dev/null; then mkdir -p $(INTEROP)/tuf && cp tests/interop/tuf/package.json tests/interop/tuf/package-lock.json $(INTEROP)/tuf/ && npm ci --silent --prefix $(INTEROP)/tuf --ignore-scripts --no-audit --no-fund; fi
	touch $(INTEROP_STAMP)

install: $(STAMP)

demo: $(STAMP)
	$(BIN)/exchange demo

test: lint $(STAMP) $(INTEROP_STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not story and not long"
	$(BIN)/python -m pytest -m "story and not long"

# What takes longest: faults, kills, a full disk, a founding, a desk, OpenAPI, ten thousand tables by enumeration.
test-long: $(STAMP)
	$(BIN)/python -m pytest -m "long"

test-fast: $(STAMP)
	$(BIN)/python -m pytest -n 2 --dist loadfile -m "not story and not long" tests/unit tests/house

# The suites of whatever signs, with every Ed25519 key in a token (SoftHSM, Debian package softhsm2).
test-hsm: $(STAMP)
	EXCHANGE_TEST_KEYS=token $(BIN)/python -m pytest -n 2 --dist loadfile tests/unit/nodes/test_token_keys.py tests/unit/nodes/test_key_commands.py tests/unit/nodes/test_key_standing.py tests/unit/nodes/test_start_refusals.py tests/unit/nodes/test_contract_life.py tests/unit/nodes/test_desk_release.py tests/unit/nodes/test_gateway_pulls.py tests/unit/core/test_ceremony.py tests/unit/core/test_trust_silenced.py tests/unit/nodes/test_trust_commands.py tests/unit/nodes/test_registry_health.py tests/attacks/test_registry_refusals.py

# Officers, analysts and auditors in Debian's chromium (packages chromium, chromium-driver, poppler-utils).
test-browser: $(STAMP)
	EXCHANGE_TEST_BROWSER=1 $(BIN)/python -m pytest tests/browser

# A picture of every screen: English, Russian, wide, narrow, printed.
screens: $(STAMP)
	$(BIN)/python -m tests.browser.screens build/screens

# One change at a time in exchange/log, and which tests notice it; what survives is explained in docs/mutation.md.
mutants: $(STAMP)
	$(BIN)/python -m tests.mutants

# Every fault at every call of an exchange, and a thousand killed witnesses: half an hour. `make test` takes samples.
test-faults: $(STAMP)
	FAULTS=all $(BIN)/python -m pytest -m story tests/stories/test_fault_table.py tests/stories/test_witness_killed.py

# Ten minutes of processor time for each parser of what comes from outside. `make test` gives each a few seconds.
fuzz: $(STAMP)
	FUZZ_SECONDS=600 $(BIN)/python -m tests.fuzz

lint: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	$(BIN)/python -m tests.bench

bench-sdc: $(STAMP)
	$(BIN)/python -m tests.bench.sdc

lock: $(STAMP)
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 pyproject.toml --group dev -o requirements.lock
	$(BIN)/uv pip compile --universal --generate-hashes --no-header --no-annotate --no-emit-index-url --python-version 3.11 tests/interop/requirements.in -o tests/interop/requirements.lock

clean:
	rm -rf $(VENV) $(INTEROP) .demo .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
