# Timeloom's verbs. Bare `make` prints them.
PYTHON ?= python3
KEEP ?= 1
VERSION ?=

.DEFAULT_GOAL := help
.PHONY: help install demo test test-fast coverage lint drawing soak bench bench-peers release check-machine clean

help: ## Print the verbs
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1|\2/' | column -t -s '|'

check-machine:
	@$(PYTHON) connectors/stack/install/machine.py

install: check-machine .venv/.compiled ## Make .venv from the hash-checked lock, and compile grouping's loops

.venv/.runtime: requirements.lock
	@$(PYTHON) -m venv .venv
	@echo "Installing what requirements.lock pins ..."
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

.venv/.compiled: .venv/.runtime $(wildcard processors/grouping/*.py processors/grouping/*/*.py)
	@echo "Compiling the loops of grouping, once ..."
	@rm -rf processors/grouping/__pycache__/compiled-*
	@.venv/bin/python -c "from streams.shared.model_store import compile_grouping; compile_grouping()"
	@touch $@

.venv/.development: .venv/.compiled requirements-dev.lock
	@echo "Installing what requirements-dev.lock pins ..."
	@.venv/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

demo: install ## The main job on the real stack, from nothing to a timesheet (KEEP=0 stops the stack at the end)
	@./timeloom demo $(if $(filter 0,$(KEEP)),--stop,)

lint: check-machine .venv/.development ## Lint, types and import rules
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

# Tests of the stack mostly wait, so the others run beside them, where these leave the processor to them.
test: lint ## Everything that must hold: lint, types, import rules, laws, contracts, end to end on the real stack
	@echo "What needs no stack is tested beside the rest, at the lowest priority; it is told at the end."
	@mkdir -p .timeloom; \
	nice -n 19 .venv/bin/python -m pytest -p no:cacheprovider -m "not (stack or timed or long)" >.timeloom/tests.log 2>&1 & beside=$$!; \
	.venv/bin/python -m pytest -m "(stack or timed) and not long"; stack=$$?; \
	wait $$beside; beside=$$?; cat .timeloom/tests.log; [ $$stack = 0 ] && [ $$beside = 0 ]

test-fast: check-machine .venv/.development ## The tests that need no stack: laws, golden examples, most contracts; under two minutes
	.venv/bin/python -m pytest -q -n auto -m "not (stack or timed or long)"

coverage: check-machine .venv/.development ## The same tests, and which lines they run (compiled loops aren't seen)
	@rm -f .coverage .coverage.*
	.venv/bin/python -m coverage run -m pytest -q -n auto -m "not (stack or timed or long)"
	@.venv/bin/python -m coverage combine --quiet
	.venv/bin/python -m coverage report --skip-covered --sort=cover

drawing: check-machine .venv/.development ## Draw the programs and packages in README.md and docs/ anew
	.venv/bin/python -m docs.drawing --write

soak: check-machine .venv/.development ## The long tests, then the long matrices of kills; writes benchmarks/results/
	.venv/bin/python -m pytest -m long
# Two runs: what is open grows with a run, and with it how long each recovery takes.
	.venv/bin/python -m benchmarks.soak --seed 1 --faults 100
	.venv/bin/python -m benchmarks.soak --seed 2 --faults 100 --out benchmarks/results/soak-2.json

bench: check-machine .venv/.development ## The figures, beside the peers in the same run; writes benchmarks/results/
	.venv/bin/python -m benchmarks.run
	@$(MAKE) --no-print-directory bench-peers

bench-peers: check-machine .venv/.peers ## How other ways to group do beside ours; writes benchmarks/results/peers.json
	.venv/peers/bin/python -m benchmarks.peers

# An environment of their own. One of dedupe's parts has no wheel, and needs a C compiler and Python's headers.
.venv/.peers: .venv/.runtime requirements-peers.lock
	@$(PYTHON) -m venv .venv/peers
	@echo "Installing what requirements-peers.lock pins ..."
	@.venv/peers/bin/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-peers.lock
	@touch $@

release: ## Check and tag a version: make release VERSION=1.2.3 (pushes nothing)
	@.ci/release "$(VERSION)"

clean: ## Stop the stack and delete what it made here (downloads stay)
	@./timeloom stack reset --yes
