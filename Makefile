# Relief Desk. Needed: make, Python 3.11 or newer with venv, and the package registries this machine is set up for.
# Settings pass through from the command line or the environment: make run PORT=8123 RELIEF_HOME=~/relief

PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin

.DEFAULT_GOAL := help
.PHONY: help install install-dev run stop test faults check lock clean

help: ## Show what there is to make
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: ## Install the program into .venv (nothing to do where it is up to date)
	@$(PYTHON) .ci/install.py

install-dev:
	@$(PYTHON) .ci/install.py --dev

run: install ## Start everything on http://127.0.0.1:8000 with demo data and logins (PORT, RELIEF_HOME, RELIEF_DEMO=0 without)
	@exec env RELIEF_DEMO="$${RELIEF_DEMO-1}" $(BIN)/relief up

stop: ## End the embedded database that `make run` leaves running; its data stays
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m staffing.persistence.embedded stop "$${RELIEF_HOME:-.relief}"; fi

test: install-dev ## Run the tests, browser included (ARGS="-k word" picks some; WORKERS=0 runs them in one process)
	$(BIN)/python tests/support/browsers.py
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

faults: install-dev ## Count what survives workers that die everywhere, some minutes (ARGS="--each 3 --kills 40 --only R1")
	PYTHONPATH=tests $(BIN)/python tests/faults/count_faults.py $(ARGS)

CHECKS := format lint types layers templates migrations dependencies registries
.PHONY: $(CHECKS:%=check-%)

check: $(CHECKS:%=check-%) ## Check everything that needs no test (`make -k check` goes on after a failure; check-lint is one alone)

check-format: install-dev
	$(BIN)/ruff format --check --quiet .

check-lint: install-dev
	$(BIN)/ruff check .

check-types: install-dev
	$(BIN)/mypy

check-layers: install-dev
	$(BIN)/lint-imports

check-templates: install-dev
	$(BIN)/djlint --lint templates

check-migrations: install-dev # the migrations, run on an empty database, make exactly the tables that the models describe
	@home=$$(mktemp -d) && chmod 711 $$home && echo '$(BIN)/relief migrate --check' && \
	  { env -u DATABASE_URL RELIEF_HOME=$$home RELIEF_DATABASE_FAST=1 $(BIN)/relief migrate --check; outcome=$$?; \
	    $(BIN)/python -m staffing.persistence.embedded remove $$home >/dev/null; rm -rf $$home; exit $$outcome; }

check-dependencies: install-dev # the locks hold everything that pyproject.toml asks for
	$(BIN)/python -m pip check --disable-pip-version-check

# Written so that the pattern does not find itself.
REGISTRIES := ([p]ypi|[p]ythonhosted|registry\.[n]pmjs|registry\.[y]arnpkg|(deb|security)\.[d]ebian)\.(org|com)|--(extra-)?index-[u]rl

check-registries: # where packages come from is the machine's business
	@git grep --no-index --exclude-standard -nIiE '$(REGISTRIES)' -- . ; test $$? -eq 1 || \
	  { echo 'The lines above name a package registry.'; exit 1; }

LOCK := $(BIN)/python -m uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
  --custom-compile-command 'make lock'

lock: install-dev ## Resolve all dependencies anew into the lock files (ARGS="--upgrade-package NAME" or "--upgrade")
	$(LOCK) $(ARGS) --group dev --output-file requirements-dev.lock pyproject.toml
	$(LOCK) $(ARGS) --constraint requirements-dev.lock --output-file requirements.lock pyproject.toml
	printf 'hatchling\neditables\n' | $(LOCK) $(ARGS) --constraint requirements-dev.lock --output-file .ci/build.lock -
	echo uv | $(LOCK) $(ARGS) --output-file .ci/installer.lock -

clean: stop ## Remove the environment and everything that tools left behind; data in RELIEF_HOME stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache test-artifacts *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
