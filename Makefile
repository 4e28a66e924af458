# autox: `make demo` plays the main job, `make test` proves it. Each installs what it needs first.
.DEFAULT_GOAL := help
SHELL := /bin/sh
VENV := .venv
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
  $$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
RUN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Bytecode is made of what is loaded, when it is loaded: that of everything takes as long as the installation itself.
PIP := $(RUN)/python -m pip install --quiet --disable-pip-version-check --no-compile

# Tests start autox some thousand times: where bytecode is not kept, each start compiles all that it loads once more.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help
help: ## Show this help
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

$(STAMP): requirements/dev.txt pyproject.toml
	@test -n "$(PYTHON)" || { echo "error: autox needs Python 3.11 or newer with venv; set PYTHON=/path/to/python3"; exit 1; }
	@echo "==> installing autox into $(VENV) (first time: about half a minute)"
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP) --require-hashes -r requirements/dev.txt
	@$(PIP) --no-deps --no-build-isolation --no-index -e .
	@touch $(STAMP)

.PHONY: install
install: $(STAMP) ## Install autox and its tools into .venv

.PHONY: demo
demo: $(STAMP) ## Play the main job on two real control planes: two versions, four verdicts, a report
	@$(RUN)/python examples/demo/play.py

.PHONY: lint
lint: $(STAMP)
	@$(RUN)/ruff format --check .
	@$(RUN)/ruff check .
	@$(RUN)/mypy
	@$(RUN)/lint-imports

# Clusters come and go in memory where there is room; what a test that failed leaves stays there to be looked at.
PYTEST := TMPDIR=$$($(RUN)/python -m tests.place) $(RUN)/python -m pytest -o tmp_path_retention_policy=failed
# RANDOM_ORDER=1: in an order by chance, since no test may depend on another.
SPREAD := --numprocesses 4 --dist loadfile --no-loadscope-reorder $(if $(RANDOM_ORDER),--random-order)

.PHONY: test
test: lint ## Run every test, those on a real control plane included
	@$(RUN)/autox cluster binaries
	@$(PYTEST) $(SPREAD) -m "not realnode and not root"

# In the order in which processes take them: what needs no image beside what makes it, then what takes long first.
E2E := tests/image/test_built.py tests/realnode/test_lifecycle.py tests/report/test_browser.py \
  tests/containers/test_log_writing.py tests/binaries/test_building.py tests/realnode/test_faults.py \
  tests/realnode/test_operations.py tests/e2e/test_stories.py tests/realnode/test_node.py tests/realnode/test_commands.py
# One after another: what judges a control plane under load, and what looks at the whole machine.
E2E_ALONE := tests/density/test_recomputed.py tests/realnode/test_story.py tests/realnode/test_leaks.py

.PHONY: e2e
e2e: $(STAMP) ## Play the stories on a real node, look at the image, at pages in a browser and at sums; needs root on Debian
	@$(RUN)/python -m tests.realnode.preparing
	@$(RUN)/autox cluster binaries --runtime containerd
	@$(PYTEST) --runtime containerd $(SPREAD) -m "root or realnode or integration" $(E2E)
	@$(PYTEST) --runtime containerd $(E2E_ALONE)

.PHONY: image
image: $(STAMP) ## Build the container image and its bill of materials into build/image; needs buildah
	@$(RUN)/python -m image.build $(if $(BASE),--base $(BASE)) $(if $(BUILDER),--builder $(BUILDER))

.PHONY: check
check: lint ## Format, lint, types, contracts, and every test that needs no cluster
	@$(PYTEST) -q $(SPREAD) -m "not integration and not realnode and not root"

.PHONY: faults
faults: $(STAMP) ## Plant every fault in servers and control planes under test, and print what was said beside the truth
	@$(RUN)/autox cluster binaries
	@$(RUN)/python -m tests.faults

.PHONY: bench
bench: $(STAMP) ## Measure: prints the tables of docs/benchmarks.md
	@for b in $(filter-out benchmarks/bench_nodes.py benchmarks/bench_density.py benchmarks/bench_real_node.py,$(wildcard benchmarks/bench_*.py)); do b=$$(basename $$b .py); echo "== $$b"; \
	  $(RUN)/python -m benchmarks.$$b || exit 1; done

.PHONY: bench-nodes
bench-nodes: $(STAMP) ## Measure virtual nodes beside KWOK: an hour, or five minutes with QUICK=1
	@$(RUN)/python -m benchmarks.bench_nodes $(if $(QUICK),--quick)

.PHONY: bench-density
bench-density: $(STAMP) ## Measure load tests beside a kube-burner on PATH: a quarter of an hour, or five minutes with QUICK=1
	@$(RUN)/python -m benchmarks.bench_density $(if $(QUICK),--quick)

.PHONY: generate
generate: $(STAMP) ## Write the CRDs, what charts and pages say of tasks, and the table of stages anew from the code
	@$(RUN)/python -m autox.api.schemas
	@$(RUN)/python -m autox.api.tasks.reference
	@$(RUN)/python -m autox.nodes.mock.stagedocs

.PHONY: lock
lock: $(STAMP) ## Pin the dependencies again, with hashes and without addresses
	@$(RUN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --universal --python-version 3.11 --extra dev --custom-compile-command 'make lock' -o requirements/dev.txt pyproject.toml
	@$(RUN)/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-emit-find-links --universal --python-version 3.11 --custom-compile-command 'make lock' -o requirements/runtime.txt pyproject.toml
