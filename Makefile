# Torneo. `make help` lists what there is; everything happens in .venv, and nothing outside this folder is touched.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

BIN := .venv/bin
READY := .venv/.ready
DEMO_HOME := .torneo/demo
DEMO_LOOP := $(DEMO_HOME)/loop
DEMO_PROJECTS := diabetes breast_cancer
PYTESTFLAGS ?=

export UV_PYTHON_DOWNLOADS := never
export UV_NO_PROGRESS := 1
export MLFLOW_DISABLE_TELEMETRY := true
ifdef PIP_INDEX_URL
export UV_DEFAULT_INDEX ?= $(PIP_INDEX_URL)
endif

say = printf '\033[1m▸ %s\033[0m\n'

##@ Use
.PHONY: demo
demo: $(READY)  ## run the whole loop on two real data sets that come with scikit-learn, then let the world change
	@TORNEO_HOME=$(DEMO_HOME) $(BIN)/torneo run $(DEMO_PROJECTS)
	@printf '\n'
	@$(say) 'Six days to come: 149 biopsies are known, 420 others come, 70 a day, each once; from the third day on in millimetres'
	@rm -rf $(DEMO_LOOP) && mkdir -p $(DEMO_LOOP)
	@cd $(DEMO_LOOP); $(abspath $(BIN))/python -c 'from sklearn.datasets import load_breast_cancer as load; \
		rows = load(as_frame=True).frame.sample(frac=1, random_state=1); \
		rows[:149].to_csv("biopsies.csv", index=False); rows[149:].to_csv("to_come.csv", index=False)'
	@cd $(DEMO_LOOP); export TORNEO_HOME=home; torneo=$(abspath $(BIN))/torneo; \
		$$torneo init biopsies.csv --target target >/dev/null; \
		sed -i.drafted -e 's/metric: auc/metric: accuracy/' \
			-e 's/^challengers: auto/challengers: {linear: {model: linear}, forest: {model: random_forest}}/' project.yaml; \
		printf 'watch: {data: false, retrain: {when: [drift, performance], cooldown: 7d}}\n' >>project.yaml; \
		$$torneo run >/dev/null; \
		$$torneo simulate . --watch --from to_come.csv --days 6 --per-day 70 --after 2 --grow biopsies.csv \
			$(foreach part,mean worst,$(foreach change,radius=10 perimeter=10 area=100,--drift 'scale:$(part) $(change)'))
	@printf 'Each day was scored on rows that whoever answered had never seen: rows are learned from only after their day.\n'
	@printf '\n'
	@$(say) 'Next, with your own table:'
	@printf '    source .venv/bin/activate\n    torneo init data.csv --target COLUMN\n    torneo run\n'

.PHONY: test
test: $(READY)  ## run all tests, side by side
	@$(BIN)/python -m pytest -n auto --dist worksteal -q $(PYTESTFLAGS)

##@ Work on it
.PHONY: check
check: lint types contracts test  ## all that has to pass: lint, types, contracts, test

.PHONY: lint
lint: $(READY)  ## style and format
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

.PHONY: format
format: $(READY)  ## put the style right
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

.PHONY: types
types: $(READY)  ## mypy, strict
	@$(BIN)/mypy

.PHONY: contracts
contracts: $(READY)  ## the direction of imports between packages
	@$(BIN)/lint-imports

.PHONY: docs
docs: $(READY)  ## write docs/reference again from the code
	@$(BIN)/python docs/generate.py

.PHONY: bench
bench: $(READY)  ## measure speed and memory (minutes; a quiet machine)
	@for script in bench/*.py; do $(say) "$$script"; $(BIN)/python "$$script"; done

.PHONY: wheel
wheel: $(READY)  ## build the wheel into dist/
	@rm -rf dist
	@$(BIN)/python -m hatchling build --target wheel

##@ Set-up
.PHONY: setup
setup: $(READY)  ## make .venv (the other targets do it when it is needed)

.PHONY: lock
lock: $(READY)  ## resolve all dependencies again into requirements.lock
	@$(say) 'Resolving for Python 3.11 and later'
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --no-config --upgrade --all-extras --group dev \
		--python-version 3.11 --annotation-style line --custom-compile-command 'make lock' \
		--output-file requirements.lock pyproject.toml

.PHONY: clean
clean:  ## remove .venv, caches, build outputs and the demo's state (never your own runs in .torneo)
	@rm -rf .venv dist build .mypy_cache .ruff_cache .hypothesis .import_linter_cache $(DEMO_HOME)
	@find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +

.PHONY: help
help:  ## show this
	@awk 'BEGIN { FS = ":.*## " } /^##@/ { printf "\n\033[1m%s\033[0m\n", substr($$0, 5) } \
		/^[a-z]+:.*## / { split($$1, target, ":"); printf "  make %-10s %s\n", target[1], $$2 }' $(MAKEFILE_LIST)

# The project itself: again when its metadata changes.
$(READY): .venv/.synced pyproject.toml
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# What it needs: again when the lock changes.
.venv/.synced: requirements.lock | .venv/bin/uv
	@$(say) 'Installing what requirements.lock names into .venv'
	@$(BIN)/uv pip sync --quiet --python $(BIN)/python --compile-bytecode --require-hashes requirements.lock
	@touch $@

# The interpreter is tried out, not only looked up: a shim may be on the path and still not work.
.venv/bin/uv:
	@for python in python3.13 python3.12 python3.11 python3; do \
		if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
			$(say) "Setting up .venv with $$("$$python" --version) (once; a minute or two)"; \
			"$$python" -m venv --clear .venv; \
			$(BIN)/python -m pip install -qq --disable-pip-version-check \
				"$$(grep --only-matching --extended-regexp '^uv==[^ ]+' requirements.lock)"; \
			exit 0; \
		fi; \
	done; \
	printf 'Torneo needs Python 3.11 or newer with the venv module, and found none.\n' >&2; \
	printf '  fix: install it (on Debian and Ubuntu: apt-get install python3 python3-venv), then try again\n' >&2; \
	exit 1
