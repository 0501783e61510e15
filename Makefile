# Everything a person types. `make serve` and `make test` set up what they need and are quick the second time.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: serve build test check format lint bench screenshots evaluate train web lock clean

serve: $(VENV)/.runtime
	$(BIN)/python serve.py serve

build: $(VENV)/.runtime
	$(BIN)/python serve.py build

test: $(VENV)/.development
	$(BIN)/python -m pytest

check: $(VENV)/.development
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: $(VENV)/.development
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lint: $(VENV)/.runtime
	$(BIN)/python serve.py lint

# SETS: other sets of questions in place of the documents' own.
evaluate: $(VENV)/.runtime
	$(BIN)/python serve.py evaluate $(SETS) --floor tests/floor.toml

bench: $(VENV)/.development
	$(BIN)/python tests/bench

# The READMEs' pictures, from a month of made-up consultations.
screenshots: $(VENV)/.development
	PYTHONPATH=. $(BIN)/python tests/screenshots.py

train: $(VENV)/.runtime
	$(BIN)/python serve.py train

# The widget's sources become bot/web/static/widget.js and widget.css, which are committed; needs Node.
web:
	cd bot/web/widget && npm ci --no-audit --no-fund && npm run build

# The versions of a fresh environment become the lock files. PyTorch's local tag (+cpu) names a build, not a version.
lock:
	rm -rf $(VENV)-lock && $(PYTHON) -m venv $(VENV)-lock
	$(VENV)-lock/bin/pip install --quiet .
	$(VENV)-lock/bin/pip freeze --exclude zaixian-zixun | sed 's/+cpu$$//' > requirements.lock
	$(VENV)-lock/bin/pip install --quiet '.[dev]'
	$(VENV)-lock/bin/pip freeze --exclude zaixian-zixun | sed 's/+cpu$$//' | grep -vxFf requirements.lock > requirements-dev.lock
	rm -rf $(VENV)-lock build *.egg-info

clean:
	rm -rf $(VENV) var

$(VENV)/.created:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed")'
	$(PYTHON) -m venv $(VENV)
	@touch $@

$(VENV)/.runtime: $(VENV)/.created requirements.lock
	@echo "Installing packages (a few minutes the first time) …"
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements.lock
	@touch $@

$(VENV)/.development: $(VENV)/.runtime requirements-dev.lock
	$(BIN)/pip install --quiet --disable-pip-version-check --requirement requirements-dev.lock
	@touch $@
