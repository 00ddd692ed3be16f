# Two commands matter: `make run` and `make test`. Each sets up all it needs, in .venv/.

.DEFAULT_GOAL := help
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c

PORT ?= 8000
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# Three browsers, and a display for the one that needs one; Node for the OAuth libraries written in JavaScript.
SYSTEM_PACKAGES := chromium firefox-esr webkit2gtk-driver xvfb fonts-dejavu-core redis-server nodejs npm
SYSTEM_PROGRAMS := chromium firefox-esr WebKitWebDriver Xvfb redis-server npm
NODE_CLIENTS := tests/node/node_modules/.installed
BENCH_PACKAGES := nginx-light wrk apache2-utils redis-server nodejs
C_PARSER := $(VENV)/h1c

help: ## what there is to do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: $(VENV)/.run ## serve at http://127.0.0.1:8000 (PORT=… for another port), the sandbox beside it
	@PORT=$(PORT) exec $(BIN)/python -m deeplink serve

test: $(VENV)/.test ## every check: format, lint, types, floors, tests, real servers, a real browser
	@if [ "$${CI:-}" = true ]; then $(MAKE) --no-print-directory setup-system; fi
	@$(MAKE) --no-print-directory node-clients c-parser
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n 2 --dist loadfile

setup: $(VENV)/.run ## what `make run` needs, and nothing else

setup-system: ## Debian's Chromium, Firefox, WebKitGTK, Redis and Node for the tests (as root)
	@for program in $(SYSTEM_PROGRAMS); do command -v $$program >/dev/null || missing=yes; done; \
	  [ -z "$${missing:-}" ] || (apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(SYSTEM_PACKAGES))

node-clients: ## the OAuth libraries in JavaScript that the tests log in with
	@if command -v npm >/dev/null; then $(MAKE) --no-print-directory $(NODE_CLIENTS); \
	  else echo "npm is missing: tests with JavaScript libraries are left out; see make setup-system"; fi

$(NODE_CLIENTS): tests/node/package-lock.json
	cd tests/node && npm ci --silent
	@touch $@

screenshots: $(VENV)/.test ## every page in every state, phone and desktop, light and dark, into screenshots/
	$(BIN)/python tests/browser/screenshots.py screenshots

faults: $(VENV)/.test ## 10,000 logins on bad days: what the apps saw of each fault (some minutes; wants redis-server)
	$(BIN)/python bench/faults.py

words: $(VENV)/.test ## write every phrase of the pages into the catalogues; new ones are empty there
	$(BIN)/python tests/languages/refresh.py

bench: $(VENV)/.test setup-bench ## everything measured beside peers, and the README's tables (half an hour, alone)
	$(BIN)/python bench/table.py --write

setup-bench: ## nginx, wrk, ab and node (as root), and gunicorn's C parser in an environment of its own
	@{ command -v nginx && command -v wrk && command -v ab && command -v node && command -v redis-server; } >/dev/null || (apt-get update -qq && \
	  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $(BENCH_PACKAGES))
	@$(MAKE) --no-print-directory c-parser

c-parser: # an environment with gunicorn's parser in C: the lane is measured and proved with it, too
	@$(MAKE) --no-print-directory $(C_PARSER)/.installed || \
	  echo "gunicorn_h1c could not be built (it wants gcc and Python's headers) and is left out"

$(C_PARSER)/.installed: requirements.txt requirements-fast.txt | $(BIN)/python
	$(PYTHON) -m venv $(C_PARSER)
	$(C_PARSER)/bin/python -m pip install -q --disable-pip-version-check --require-hashes \
	  -r requirements.txt -r requirements-fast.txt
	@touch $@

soak: $(VENV)/.test ## ten minutes of mixed traffic through the lane, with reloads (wants nginx, wrk)
	$(BIN)/python bench/soak.py

fuzz: $(VENV)/.test ## ten minutes of odd requests for each form of the lane, beside plain gunicorn
	LANE_FUZZ_SECONDS=600 $(BIN)/python -m pytest tests/end_to_end/test_lane_fuzz.py

lock: $(VENV)/.test ## write both lock files anew from pyproject.toml
	$(BIN)/python -m pip install -q uv
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 \
	  pyproject.toml -o requirements.txt $(LOCK)
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-header --python-version 3.11 \
	  pyproject.toml --group test -o requirements-test.txt $(LOCK)

clean: ## forget everything that was set up
	rm -rf $(VENV) tests/node/node_modules screenshots .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "deeplink needs Python 3.11 or newer; name one with make $(MAKECMDGOALS) PYTHON=python3.12"; exit 2; }
	$(PYTHON) -m venv $(VENV)

# A stamp is written last, so that an interrupted set-up is done again.
$(VENV)/.run: requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.txt
	@# Python does so at the first start, unless PYTHONDONTWRITEBYTECODE is set, as images like to do.
	$(BIN)/python -m compileall -q app.py gunicorn.conf.py deeplink
	@touch $@

$(VENV)/.test: requirements-test.txt pyproject.toml | $(BIN)/python
	$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-test.txt
	@# The bare `deeplink` command. Hash mode takes no local folder, so it is a step of its own.
	$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	$(BIN)/python -m compileall -q app.py gunicorn.conf.py deeplink
	@touch $@ $(VENV)/.run

.PHONY: help run test setup setup-system setup-bench c-parser node-clients screenshots faults words bench soak fuzz lock clean
