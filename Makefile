# The verbs of skillstream. `make` prints them. Each makes its own environment first, from requirements-dev.lock.

VENV := .venv
READY := $(VENV)/.ready
BIN := $(VENV)/bin
UV := build/uv/bin/uv
UV_VERSION := 0.13.9
LOCK = $(UV) pip compile --quiet --universal --generate-hashes --python-version 3.11 --custom-compile-command "make lock"
ARGS ?=
PYTHON ?=

export PIP_DISABLE_PIP_VERSION_CHECK := 1
export PIP_NO_INPUT := 1
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help

# Sets $$python to the first Python that will do, or to PYTHON=... if that is given; ends the recipe if there is none.
define find_python
	for python in $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3) ''; do \
	  [ -z "$$python" ] || ! "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' \
	    2>/dev/null || break; \
	done; \
	if [ -z "$$python" ]; then \
	  echo "skillstream needs Python 3.11 or newer, with its venv module, and found none." >&2; \
	  echo "  Debian, Ubuntu:  apt install python3 python3-venv" >&2; \
	  echo "  macOS:           brew install python" >&2; \
	  echo "  or name one:     make PYTHON=/path/to/python3" >&2; \
	  exit 1; \
	fi
endef

.PHONY: help
help:
	@echo "make VERB [ARGS='...']"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' Makefile

.PHONY: demo
demo: $(READY)  ## the whole stream in one go: simulated class, worker, scores, explanations
	@$(BIN)/skillstream demo $(ARGS)

.PHONY: test
test: $(READY)  ## the tests that need nothing but Python
	@$(BIN)/pytest -n auto --dist loadfile --no-loadscope-reorder $(ARGS)

.PHONY: lint
lint: $(READY)  ## ruff, mypy --strict, which package may import which, and the glossary's words
	@echo "ruff check" && $(BIN)/ruff check
	@echo "ruff format --check" && $(BIN)/ruff format --check
	@echo "mypy" && $(BIN)/mypy
	@echo "lint-imports" && $(BIN)/lint-imports
	@echo "glossary" && $(BIN)/python -m tests.glossary_check

.PHONY: format
format: $(READY)  ## put code in the one format and mend what ruff can mend
	@$(BIN)/ruff check --fix-only
	@$(BIN)/ruff format

.PHONY: integration
integration: $(READY)  ## the long tests, and those on a real Kafka and a real Redis, which it starts and stops (Java 17+, Maven)
	@SKILLSTREAM_REQUIRE_SERVERS=1 $(BIN)/python -m tests.servers \
	  $(BIN)/pytest -n 4 --dist loadfile --no-loadscope-reorder -m "kafka or redis or long" tests/integration tests/contract tests/agents tests/container $(ARGS)

.PHONY: browser
browser: $(READY)  ## the dashboard in a real Chromium, on running workers (Chromium)
	@$(BIN)/python -m pip install --quiet --require-hashes -r tests/browser/requirements.lock
	@SKILLSTREAM_REQUIRE_SERVERS=1 $(BIN)/pytest --durations=5 -m browser tests/browser $(ARGS)

.PHONY: pictures
pictures: $(READY)  ## take the pictures of docs/pictures anew, of running workers (Chromium, six minutes)
	@$(BIN)/python -m pip install --quiet --require-hashes -r tests/browser/requirements.lock
	@$(BIN)/python -m tests.browser.pictures

.PHONY: image-check
image-check: $(READY)  ## build the container image and try it (Docker, or Podman and runc; BASE=stand-in without a registry)
	@SKILLSTREAM_TEST_IMAGE_BASE=$(BASE) $(BIN)/python -m pytest --durations=3 tests/container/image_checks.py $(ARGS)

.PHONY: digests
digests: $(READY)  ## are the pinned images still those of their tags? (ARGS=--write puts the new digests in; asks the registries)
	@$(BIN)/python -m tests.container.digests $(ARGS)

.PHONY: manifests
manifests: $(READY)  ## build deploy/ for Kubernetes and hold it against the published schemas (Go 1.24+: tools are built, once)
	@$(BIN)/python -m pytest -q tests/manifests/manifest_checks.py $(ARGS)

.PHONY: sbom
sbom: $(READY)  ## the bill of materials (CycloneDX) and the licences of what the image holds, into build/supply
	@[ -e build/supply/tools/bin/cyclonedx-py ] || { rm -rf build/supply/tools; $(BIN)/python -m venv build/supply/tools; }
	@build/supply/tools/bin/python -m pip install --quiet --require-hashes -r tests/supply/requirements.lock
	@$(BIN)/python -m tests.supply.bill build/supply/tools/bin/cyclonedx-py

.PHONY: audit
audit: $(READY)  ## known vulnerabilities of what is pinned (SNAPSHOT=all.zip, a dump of OSV's, where the network is closed)
	@$(BIN)/python -m tests.supply.advisories $(if $(SNAPSHOT),--snapshot $(SNAPSHOT))

.PHONY: check
check: test lint integration  ## all that CI checks

.PHONY: chaos
chaos: $(READY)  ## break things, and account for every event (ROUNDS=1 for minutes, ONLY=name,... SEED= JOBS= BEFORE=)
	@$(BIN)/python -m tests.chaos $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(SEED),--seed $(SEED)) \
	  $(if $(ONLY),--only $(ONLY)) $(if $(JOBS),--jobs $(JOBS)) $(if $(BEFORE),--before $(BEFORE))

.PHONY: contract
contract: $(READY)  ## write docs/contract anew from the types
	@$(BIN)/skillstream schema --out docs/contract

.PHONY: pages
pages: $(READY)  ## write the contract as pages to read, into build/pages: topics and messages, paths and answers
	@$(BIN)/python -m agents.cli.contract_pages docs/contract build/pages

.PHONY: samples
samples: $(READY)  ## write docs/explanation-samples.md anew, and what `skillstream norms` prints into docs/norms.md
	@$(BIN)/python -m tests.samples

# Part of a release: from now on the contract is held to what it says now. Refused where that would break somebody who
# codes against the one released before.
.PHONY: contract-release
contract-release: contract
	@$(BIN)/pytest -q tests/contract/test_contract.py tests/contract/test_contract_golden.py
	@cp docs/contract/*.json docs/contract/released/

.PHONY: fuzz
fuzz: $(READY)  ## every decoder under a coverage-guided fuzzer, for minutes (SECONDS=120 DIALECT=xapi)
	@$(BIN)/python -m tests.fuzz $(if $(SECONDS),--seconds $(SECONDS)) $(if $(DIALECT),--dialect $(DIALECT))

.PHONY: bench
bench: $(READY)  ## measure against the alternatives, three hours (ONLY=name,name ROUNDS=5 EVENTS=1000000)
	@$(BIN)/python -m tests.benchmarks $(ONLY)

.PHONY: figures
figures: $(READY)  ## write anew what docs/scaling.md and docs/tuning.md say of commands and measurements
	@$(BIN)/python -m tests.documents.written

.PHONY: kafka
kafka: $(READY)  ## leave a real Kafka running and print its address (Java 17+, Maven)
	@$(BIN)/python -m tests.servers.kafka --background

.PHONY: kafka-stop
kafka-stop: $(READY)  ## stop that Kafka and remove its data
	@$(BIN)/python -m tests.servers.kafka --stop

.PHONY: lock
lock: $(UV)  ## renew the locks from pyproject.toml (ARGS=--upgrade for newer versions)
	@$(LOCK) pyproject.toml --output-file requirements.lock $(ARGS)
	@$(LOCK) --group build --output-file requirements-build.lock $(ARGS)
	@$(LOCK) pyproject.toml --group dev --constraint requirements.lock --output-file requirements-dev.lock $(ARGS)

.PHONY: clean
clean:  ## remove what can be made again: environment, caches, Kafka's jars
	-@[ ! -e .kafka/running.json ] || $(BIN)/python -m tests.servers.kafka --stop
	@rm -rf $(VENV) build .kafka .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	@rm -rf ./*.egg-info
	@find agents schemas streams tests -name __pycache__ -type d -prune -exec rm -rf {} +

# Which Python the environment would be made with; fails with the reason when there is none.
.PHONY: python
python:
	@$(find_python); echo "$$python"

# A tree that was copied or moved has an environment whose scripts run another tree's code: make it again.
ifneq ($(shell cat $(READY) 2>/dev/null),$(CURDIR))
.PHONY: $(READY)
endif

# One maker at a time: the lock is on this file, held by the recipe's shell and gone with it. `.making` stays behind
# when a maker is ended half-way, and says that what it left is not to be trusted.
$(READY): requirements-dev.lock pyproject.toml
	@set -e; $(find_python); \
	exec 9< Makefile; "$$python" -c 'import fcntl; fcntl.flock(9, fcntl.LOCK_EX)'; \
	made_in=$$(cat $(READY) 2>/dev/null || pwd); \
	if [ -e $(VENV)/.making ] || [ "$$made_in" != "$$(pwd)" ] \
	    || ! $(BIN)/python -c 'import pip, sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	  echo "Making $(VENV) with $$("$$python" --version) from requirements-dev.lock (once, about a minute)"; \
	  rm -rf $(VENV); mkdir $(VENV); touch $(VENV)/.making; \
	  "$$python" -m venv $(VENV); \
	else \
	  echo "Bringing $(VENV) up to requirements-dev.lock"; \
	  touch $(VENV)/.making; \
	fi; \
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements-dev.lock; \
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation -e .; \
	pwd > $(READY); rm $(VENV)/.making

$(UV):
	@set -e; $(find_python); \
	echo "Fetching uv $(UV_VERSION) into build/uv"; \
	rm -rf build/uv; "$$python" -m venv build/uv; \
	build/uv/bin/python -m pip install --quiet uv==$(UV_VERSION)
