# The words of this project. `make help` explains each. Settings: docs/how-to/install.md.
SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help setup site-setup test-setup up demo check test test-clients bench

.NOTPARALLEL:

# The first that is new enough; where none is, config/setup says so.
ifndef PYTHON
PYTHON := $(shell for name in python3 python3.13 python3.12 python3.11; do \
    $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; exit; }; done; echo python3)
endif
PORT ?= 8000
RUN := .venv/bin/python
NO_PYTHON := setup  There is no $(PYTHON) here; install Python 3.11 or newer, or name one: make setup PYTHON=/path/to/python3
SETUP := command -v "$(PYTHON)" >/dev/null 2>&1 || { echo "$(NO_PYTHON)" >&2; exit 2; }; "$(PYTHON)" config/setup

help:  ## Explains these words
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/make \1|\2/p' Makefile | awk -F'|' '{printf "  %-17s %s\n", $$1, $$2}'
	@echo
	@echo "  PORT=8000    the port of the site, for up and demo"
	@echo "  ONCE=1       demo only: plays the story on a free port in a temporary folder, stops, ends with the story's code"
	@echo "  OUT=out      demo only: the folder for report.pdf and trust.json"
	@echo "  FRESH=1      demo only: makes the demo's data anew"
	@echo "  ONLY=NAME    bench only: one measure; results are written to benchmarks/results/NAME.json"
	@echo "  PYTHON=...   the Python (3.11 or newer) that .venv is made with"
	@echo "  DATABASE_URL and REDIS_URL name servers of your own; then nothing private is started"

setup:  ## Prepares .venv (and, as root on Debian or Ubuntu, missing system packages); nothing happens when it is ready
	@$(SETUP) --tools

site-setup:
	@$(SETUP)

test-setup:
	@$(SETUP) --tools --browser
	@$(RUN) -m config.setup.clients

up: site-setup  ## Starts the site with its own PostgreSQL and Redis; asks for the first administrator; Ctrl-C stops it
	@exec $(RUN) -m config.services up --port "$(PORT)"

demo: site-setup  ## Starts the demo in a data folder of its own, plays the story through the API, and leaves the site up
	@exec $(RUN) -m config.services demo --port "$(PORT)" --out "$(or $(OUT),out)" $(if $(ONCE),--once) $(if $(FRESH),--fresh)

check: setup  ## The fast part of the tests: linters, types, import contracts
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	DATABASE_URL=postgresql://types.invalid/none COUNTERSIGN_SECRET_KEY=types $(RUN) -m mypy .
	.venv/bin/lint-imports

test: test-setup check  ## Everything: check, migrations, the API's description, and all tests with real services and a browser
	$(RUN) -m config.services run -- $(RUN) manage.py makemigrations --check --dry-run
	$(RUN) -W ignore manage.py spectacular --validate --fail-on-warn --file /dev/null
	$(RUN) -m pytest -n 2

test-clients: setup  ## Only the tests with real clients (MLflow, TensorBoard, fastai, Lightning), each in its own environment
	@$(RUN) -m config.setup.clients
	$(RUN) -m pytest -n 2 -m clients

bench: setup  ## Runs what stands in benchmarks/: ratios against named references
	@$(RUN) -m config.setup.clients mlflow3 mlflow-server tensorboard
	$(RUN) -m config.services run -- $(RUN) -m benchmarks $(if $(ONLY),--only $(ONLY))
