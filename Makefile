# LDN Evidence. `make serve` and `make test` are all that a fresh machine needs: they make .venv first.

# Any of these may be given: make serve PORT=8080 PYTHON=python3.13, make test ARGS="-k tiers"
PORT ?= 8001
PYTHON ?=
ARGS ?=

SHELL := /bin/sh
.DELETE_ON_ERROR:

# In the locale C, Python cannot write down the path of a folder that bears other letters than those of ASCII.
ifneq ($(filter C POSIX,$(or $(LC_ALL),$(LC_CTYPE),$(LANG))),)
export LC_ALL := C.UTF-8
endif

.DEFAULT_GOAL := help

RUN := .venv/bin/ldn-evidence
NEXT_TESTS := tests/test_server_safety.py tests/test_datasette.py tests/test_pages.py tests/test_api.py \
	tests/test_replacement.py

# $(call needs,VARIABLES,EXAMPLE): stop where one of them was not given.
needs = $(if $(strip $(foreach one,$(1),$(if $($(one)),,none))),$(call stop,$(firstword $(2)) needs $(1): make $(2)))

.PHONY: help
help: ## Show this list
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' Makefile

.PHONY: serve
serve: .venv/runtime ## Check, build and browse the evidence on http://127.0.0.1:8001 (PORT=8080 for another port)
	@$(RUN) serve --port "$(or $(PORT),8001)"

.PHONY: test
test: .venv/test ## Run all tests (ARGS="-k tiers" for some)
	@$(call run_tests,.venv)

.PHONY: test-next
test-next: .venv-next/ready ## Run the tests of serving, pages and API on the newest Datasette 1.0 pre-release
	@$(call run_tests,.venv-next,$(wildcard $(NEXT_TESTS)))

# $(call run_tests,ENVIRONMENT,TESTS): side by side first, then one by one those that measure, of which not every choice of
# tests has any. With ARGS, either run may find nothing to do, for which pytest's exit code is 5.
run_tests = ended=0; \
	$(1)/bin/pytest -m "not serial" --numprocesses auto --maxprocesses 4 --dist loadgroup $(2) $(ARGS) || \
		test $$? -eq $(if $(ARGS),5,0) || ended=1; \
	$(1)/bin/pytest -m serial $(2) $(ARGS) || test $$? -eq $(if $(2)$(ARGS),5,0) || ended=1; \
	exit $$ended

.PHONY: check
check: .venv/runtime ## Check every record and print all problems
	@$(RUN) check

.PHONY: build
build: .venv/runtime ## Build ldn.db from the records
	@$(RUN) build

.PHONY: export exports
export: exports
exports: .venv/export ## Write all exports into dist/
	@$(RUN) export

.PHONY: explain
explain: .venv/runtime ## Why a condition has its tier: make explain CONDITION=fibromyalgia
	@$(call needs,CONDITION,explain CONDITION=fibromyalgia)
	@$(RUN) explain "$(CONDITION)"

.PHONY: diff
diff: .venv/runtime ## What changed between two versions: make diff OLD=HEAD~1 NEW=HEAD
	@$(call needs,OLD NEW,diff OLD=HEAD~1 NEW=HEAD)
	@$(RUN) diff "$(OLD)" "$(NEW)"

.PHONY: new
new: .venv/runtime ## Begin a record: make new KIND=studies ID=surname-2026
	@$(call needs,KIND ID,new KIND=studies ID=surname-2026)
	@$(RUN) new "$(KIND)" "$(ID)"

.PHONY: add
add: .venv/import ## Begin records from exported references: make add FROM=references.ris
	@$(call needs,FROM,add FROM=references.ris)
	@$(RUN) add $(FROM)

.PHONY: coverage
coverage: .venv/runtime ## How complete and how deeply read the base is
	@$(RUN) coverage

.PHONY: generated
generated: .venv/runtime ## Write the files that are made from others anew
	@$(RUN) generate

.PHONY: bench
bench: .venv/test ## Measure builds of a generated catalogue
	@$(RUN) bench

.PHONY: format
format: .venv/test ## Format the code
	@.venv/bin/ruff format --quiet scripts tests
	@.venv/bin/ruff check --fix scripts tests

.PHONY: lint
lint: .venv/test ## Check style and types of the code
	@.venv/bin/ruff check scripts tests
	@.venv/bin/ruff format --check scripts tests
	@.venv/bin/mypy

.PHONY: lock
lock: .venv/runtime ## Renew the locked versions of all dependencies
	@.venv/bin/pip install --quiet "$$(sed -n 's/.*"\(uv[^"]*\)".*/\1/p' pyproject.toml)"
	@$(LOCK) --group build -o requirements/runtime.txt
	@$(LOCK) --group build --extra import -c requirements/runtime.txt -o requirements/import.txt
	@$(LOCK) --group build --extra export -c requirements/runtime.txt -o requirements/export.txt
	@$(LOCK) --group build --extra test -c requirements/import.txt -c requirements/export.txt -o requirements/test.txt
	@$(LOCK) --extra spark -c requirements/test.txt -o requirements/spark.txt
	@$(patsubst pyproject.toml,requirements/next.in,$(LOCK)) --prerelease allow -o requirements/next.txt

# No index is named, so that every machine asks its own.
LOCK := .venv/bin/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --custom-compile-command "make lock" pyproject.toml

.PHONY: clean
clean: ## Remove .venv and all that was computed
	@rm -rf .venv .venv-next .cache dist ldn.db

# ---- The environment ------------------------------------------------------------------------------------------
#
# .venv/ready is the environment itself; .venv/runtime, .venv/import, .venv/export, .venv/test and .venv/spark are stamps, each
# newer than the lock file it was installed from. They stand in a row, so that two installations never run at once under `make -j`.

# A stop in one line: what is wrong, and what to do about it.
stop = { echo "make: $(1)" >&2; exit 1; }

ENVIRONMENT_IS_OURS := $(shell test -x .venv/bin/python && cat .venv/ready 2>/dev/null)
ifneq ($(ENVIRONMENT_IS_OURS),$(CURDIR))
# None yet, half made, or made elsewhere: the commands inside name the folder that they were made in.
.PHONY: .venv/ready
endif

.venv/ready:
	@for python in $(or $(PYTHON),python3 python3.13 python3.12 python3.11); do \
		version=$$("$$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null) || continue; \
		case "$$version" in \
			3.1[1-9] | 3.[2-9][0-9]) break;; \
			*) found="$${found:-, $$python is Python $$version}"; version=;; \
		esac; \
	done; \
	test -n "$$version" || $(call stop,Python 3.11 or newer is needed$${found:- and not found}. Install it or name it: make PYTHON=python3.13); \
	"$$python" -c 'import ensurepip' 2>/dev/null || \
		$(call stop,$$python cannot make environments. Install its venv package: apt install python3-venv on Debian and Ubuntu); \
	echo "Making .venv with Python $$version"; \
	"$$python" -m venv --clear .venv || $(call stop,$$python could not make .venv; it says why above)
	@echo "$(CURDIR)" > .venv/ready

# $(call install,LOCK): the packages of requirements/LOCK.txt, each checked against its hash, then the project itself.
# What pip says is kept in .venv/LOCK.log and shown only when it helps.
define install
	@echo "Installing $$(grep -c == requirements/$(1).txt) locked packages ($(1))"
	@.venv/bin/python -m pip install --disable-pip-version-check --no-input --require-hashes \
		--requirement requirements/$(1).txt > .venv/$(1).log 2>&1 || { \
		if grep -q "Retrying (Retry" .venv/$(1).log; then \
			$(call stop,the package index cannot be reached. Connect this machine to a network or set PIP_INDEX_URL to an index it reaches); \
		fi; \
		grep -E "ERROR|error:" .venv/$(1).log >&2; \
		$(call stop,the packages of requirements/$(1).txt could not be installed; .venv/$(1).log says more); }
endef

.venv/runtime: requirements/runtime.txt pyproject.toml .venv/ready
	$(call install,runtime)
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

.venv/import: requirements/import.txt .venv/runtime
	$(call install,import)
	@touch $@

.venv/export: requirements/export.txt .venv/import
	$(call install,export)
	@touch $@

.venv/test: requirements/test.txt .venv/export
	$(call install,test)
	@touch $@

.venv/spark: requirements/spark.txt .venv/test
	$(call install,spark)
	@touch $@

# An environment of its own, for Datasette cannot stand in one twice.
.venv-next/ready: requirements/next.txt pyproject.toml .venv/ready
	@.venv/bin/python -m venv --clear .venv-next
	@echo "Installing $$(grep -c == requirements/next.txt) locked packages (next)"
	@.venv-next/bin/python -m pip install --disable-pip-version-check --no-input --require-hashes \
		--requirement requirements/next.txt > .venv-next/install.log 2>&1 || \
		$(call stop,the packages of requirements/next.txt could not be installed; .venv-next/install.log says why)
	@.venv-next/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
