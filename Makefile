# Every target sets itself up: a virtual environment in .venv, Node's packages in web/node_modules, each made again only
# when what it is made of changes; and builds the pages when web/ changed. `make` alone says what there is.

MAKEFLAGS += --no-print-directory
READY := .venv/ready
PACKAGES := web/node_modules/ready
# The last that a build writes.
PAGES := chalicelib/console/static/demo/index.html
RUN := exec .venv/bin/python -m
NPM := npm --prefix web --silent

# Looked for only when .venv has to be made.
PYTHON = $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

VENV = $(PYTHON) -m venv --clear .venv
# One file a time: with hashes in one, pip would ask for them in all.
INSTALL = .venv/bin/python -m pip install --quiet --quiet --disable-pip-version-check --requirement
DEBIAN_VENV = command -v apt-get >/dev/null && apt-get update -qq && apt-get install -qq --yes python3-venv

# With its folders, which change when a file is gone.
SOURCES = $(shell find web -name node_modules -prune -o -print)
API = $(shell find app.py chalicelib infra/openapi.py -name '*.py')

NODE = node -e 'const [major, minor] = process.versions.node.split("."); process.exit(major > 20 || major == 20 && minor > 18 ? 0 : 1)'

# A build that fails is tried again.
.DELETE_ON_ERROR:
.PHONY: help ready run test check audit bench soak token demo purge-future undo-purge sql every-day rehearse deploy destroy costs clean
.DEFAULT_GOAL := help

help:
	@echo 'make ready     sets all of this up, and builds the console'
	@echo 'make run       the whole system on this machine, until Ctrl-C (PORT=8000)'
	@echo 'make token     a bearer token for it (GROUP=admin, or GROUP=customer SUB=customer-68)'
	@echo 'make demo      tells a school'\''s week on it, step by step, and where to look'
	@echo 'make test      everything that must hold'
	@echo 'make check     lint, format, types, layers, template'
	@echo 'make audit     advisories about what is pinned, and licences of what ships'
	@echo 'make soak      faults on a running system: kills, outages, doubled messages, storms, and exact counts after them'
	@echo 'make bench     what the README says of costs, each figure beside its floor or a peer, in some minutes'
	@echo 'make every-day  every day of 30 years in every time zone: one instance each, in a few minutes'
	@echo 'make purge-future  what future instances of recurring tasks a purge would delete (TASK=..., APPLY=1 deletes them)'
	@echo 'make undo-purge    puts back what a purge deleted (PURGE=...)'
	@echo "make sql       asks the raw events in SQL (QUERY=sql/slowest_endpoints.sql, or QUERY='select ...'; STAGE=prod)"
	@echo 'make rehearse  the packaged system, deployed to a local cloud, tested, updated and destroyed there'
	@echo "make deploy    into an AWS account, or up to date there (STAGE=prod PARAMETERS='AlarmEmail=ops@example.com ...')"
	@echo 'make destroy   takes a stage out of it (STAGE=dev); prod keeps its data but with DATA=delete SURE=prod'
	@echo 'make costs     what a month costs, line by line (REPORTS=250000 adds a column for as many)'
	@echo 'make clean     removes the data of make run, what was built, and caches; not .venv and node_modules'

ready: $(READY) $(PAGES)

run: $(READY) $(PAGES)
	@$(RUN) infra.stack

token: $(READY)
	@$(RUN) infra.token

demo: $(READY) $(PAGES)
	@$(RUN) infra.demo

purge-future: $(READY)
	@$(RUN) infra.purge

undo-purge: $(READY)
	@$(RUN) infra.purge undo

sql: $(READY)
	@$(RUN) infra.sql

every-day: $(READY)
	@$(RUN) tests.tasks.every_day

rehearse: $(READY) $(PAGES)
	@$(RUN) infra.rehearse

# Both read STAGE and the rest from the environment, where make puts what it is told.
deploy: $(READY) $(PAGES)
	@$(RUN) infra.deploy

destroy: $(READY)
	@$(RUN) infra.destroy

costs: $(READY)
	@$(RUN) infra.costs

# All of them, whatever fails. A file's tests stay together, as they share what is slow to start; tests/conftest.py has them
# in order. Three processes for two cores: one is always waiting for a server or a browser. Bytecode is written whatever the
# machine's habit, as hundreds of processes are started.
test: $(READY) $(PAGES)
	@$(NPM) test; web=$$?; PYTHONDONTWRITEBYTECODE= .venv/bin/python -m pytest --numprocesses 3 --dist loadfile --no-loadscope-reorder && exit $$web

check: $(READY) $(PAGES)
	.venv/bin/python -m ruff check
	.venv/bin/python -m ruff format --check
	.venv/bin/python -m mypy
	.venv/bin/lint-imports --no-logo
	.venv/bin/python -m infra.template | .venv/bin/cfn-lint
	$(NPM) run check

audit: $(READY) $(PACKAGES)
	@$(RUN) infra.audit

bench: $(READY) $(PAGES)
	@$(RUN) bench

soak: $(READY) $(PAGES)
	@$(RUN) soak $(PARTS)

# What is removed beside a running stack comes back by halves when that saves its data.
clean:
	@! { [ -e .local/lock ] && command -v flock >/dev/null && ! flock --nonblock .local/lock true; } || \
		{ echo 'A stack still runs on this data: stop it first, by Ctrl-C where `make run` runs.' >&2; exit 1; }
	rm -rf .local build chalicelib/console/static .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.txt requirements-dev.txt requirements-ffmpeg.txt
	@test -n '$(PYTHON)' || { echo 'Python 3.11 or newer is needed, and no python3 on the PATH is.' >&2; exit 1; }
	@echo 'Setting up .venv with all that runs, tests and measures (900 MB); this takes one to three minutes.' >&2
	@$(VENV) >&2 || { $(DEBIAN_VENV) && $(VENV); } >&2 || \
		{ echo 'This Python cannot make virtual environments; on Debian: apt-get install python3-venv' >&2; exit 1; }
	@$(INSTALL) requirements-dev.txt >&2
	@$(INSTALL) requirements-ffmpeg.txt >&2
	@touch $@

$(PACKAGES): web/package-lock.json
	@$(NODE) 2>/dev/null || { echo 'Node 20.19 or newer with npm is needed to build the console, and no such node is on the PATH.' \
		'It is at https://nodejs.org/en/download; Debian 13 has it, too: apt-get install nodejs npm' >&2; exit 1; }
	@echo 'Setting up web/node_modules, some 300 MB; this takes up to a minute.' >&2
	@$(NPM) ci --no-progress --loglevel=error >/dev/null
	@touch $@

$(PAGES): $(PACKAGES) $(SOURCES) web/console/openapi.json
	@echo 'Building the pages; this takes half a minute.' >&2
	@said=$$($(NPM) run build 2>&1) || { echo "$$said" >&2; exit 1; }

# Most changes of the API's code do not change what it says of itself, and then nothing is built again.
web/console/openapi.json: build/openapi.json
	@cmp -s $< $@ || cp $< $@

build/openapi.json: $(READY) $(API)
	@mkdir -p build
	@.venv/bin/python -m infra.openapi > $@
