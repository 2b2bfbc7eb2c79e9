# Everything a new machine needs is Python 3.11 or newer, make and git; each target sets up what it uses.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.set-up
TYPED := -p mendflow.agents -p mendflow.connectors -p mendflow.graph -p mendflow.journal -p mendflow.service -p mendflow.verifier
WORKERS ?= 2

.PHONY: setup demo test check format bench bench-effects simulate campaign mutations lock clean

setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "mendflow needs Python 3.11 or newer; set PYTHON=python3.11 or the like")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --upgrade --constraint constraints.txt setuptools wheel
	PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --no-build-isolation --editable '.[dev,keyring,models]'
	mkdir -p .typing && ln -sfn .. .typing/mendflow
	touch $(STAMP)

demo: $(STAMP)
	$(BIN)/python -m mendflow.service.demo

test: $(STAMP)
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist loadfile

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(TYPED) -m mendflow
	$(BIN)/mypy tests benchmarks
	PYTHONPATH=.typing $(BIN)/lint-imports

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	$(BIN)/python benchmarks/all.py

bench-effects: $(STAMP)
	$(BIN)/python benchmarks/effects.py

# The shipped engine in simulated worlds from SEED on, until EFFECTS effects were intended; a failure prints its world.
EFFECTS ?= 20000
SEED ?= 1
MIX ?= all
simulate: $(STAMP)
	$(BIN)/python -m tests.simulation --effects $(EFFECTS) --seed $(SEED) --mix $(MIX) --workers $(WORKERS)

# Every state that the shipped protocol can reach at the large bounds, and the naive designs beside it.
.PHONY: explore
explore: $(STAMP)
	WORKERS=$(WORKERS) $(BIN)/python -m tests.explorer

# How many vanished fields the healer of drift finds again, and how many wrongly: none may be. JSON=1 for programs.
PAIRS ?= ../shared/drift/pairs.jsonl
.PHONY: drift-score
drift-score: $(STAMP)
	$(BIN)/python -m tests.drift $(PAIRS) $(if $(JSON),--json)

# How many planted untruths the rules over drafts catch, and how many honest letters they send back.
.PHONY: draft-score
draft-score: $(STAMP)
	$(BIN)/python -m tests.drafts

campaign: $(STAMP)
	$(BIN)/python tests/campaigns/faults.py

# Kills real processes at every named moment; KILL takes options, `--help` lists them: KILL='--every 9', KILL='--case …'.
.PHONY: kill
kill: $(STAMP)
	$(BIN)/python -m tests.kill $(KILL)

# Small changes to the rules of the effect protocol, one at a time: the share that a test notices. FILES picks some.
mutations: $(STAMP)
	$(BIN)/python -m tests.mutations.score $(FILES)

# Writes the tables of docs/healing.md anew, from tests/faults.
.PHONY: faults
faults: $(STAMP)
	$(BIN)/python -m tests.faults.page

# Writes the exact versions of everything that is installed; run it after changing dependencies.
lock: $(STAMP)
	$(BIN)/python -m pip freeze --all --exclude-editable --exclude pip > constraints.txt

clean:
	rm -rf $(VENV) .typing *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .mendflow
