# Everything a developer or CI runs. Needs Python 3.11 or newer (whatever it is called) and a package index; nothing else.

PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$name -c 'import sys; raise SystemExit(sys.version_info < (3, 11))' 2>/dev/null && { echo $$name; break; }; done)
VENV := .venv/bin
SOURCES = $(wildcard libs/*/src services/*/src) cli/src sandbox/src deploy/local/src deploy/envoy/src deploy/monitoring/src protos/tools/src
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo test test-long up down status plan deploy rollback doctor check format bench protos lock test-native test-containers test-stripe-mock test-cluster policies install install-runtime clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1	\2/' | expand -t 26

demo: install-runtime ## install, start the stack, run the journey with sample events, leave it running
	@$(VENV)/usher demo $(ARGS)

test: install ## install and run every test
	@$(VENV)/python -m pytest -n 2 --dist loadscope $(ARGS)

up: install-runtime ## start what is not running; ready when every health check says SERVING
	@$(VENV)/usher up $(ARGS)

down: install-runtime ## stop the stack; its data stays
	@$(VENV)/usher down $(ARGS)

status: install-runtime ## process, port, health and memory of everything here; with ENV=… the release in that environment's cluster
	@$(VENV)/usher $(if $(ENV),release status $(ENV),status) $(ARGS)

plan: install-runtime ## what a release to ENV=dev, staging or prod would change (ARGS="--tag VERSION"); changes are no failure
	@$(VENV)/usher release plan $(ENV) $(ARGS) || test $$? -eq 2

deploy: install-runtime ## release to ENV=dev, staging or prod (ARGS="--tag VERSION"), back by itself when it fails
	@$(VENV)/usher release deploy $(ENV) $(ARGS)

rollback: install-runtime ## the last good release of ENV=dev, staging or prod again (ARGS="--revision N": that one)
	@$(VENV)/usher release rollback $(ENV) $(ARGS)

doctor: install-runtime ## what is missing, which port is taken
	@$(VENV)/usher doctor $(ARGS)

check: install ## format, lint, types, import contracts, contracts lint and breaking, stubs up to date, image recipe, workflows
	@$(VENV)/ruff format --check .
	@$(VENV)/ruff check .
	@$(VENV)/mypy $(SOURCES)
	@$(VENV)/lint-imports
	@$(VENV)/python -m contracts check
	@$(VENV)/python -m contracts lint
	@$(VENV)/python -m contracts breaking
	@$(VENV)/hadolint deploy/images/Dockerfile
	@PATH="$(CURDIR)/$(VENV):$$PATH" $(VENV)/actionlint
	@$(VENV)/zizmor --offline --quiet .github

format: install ## format and mend what can be mended
	@$(VENV)/ruff check --fix .
	@$(VENV)/ruff format .

bench: install ## bookings beside an empty rpc, payments at each gateway; writes docs/performance.md
	@$(VENV)/python tests/load/bench.py $(ARGS)

protos: install ## write stubs, descriptors and the OpenAPI document again from protos/
	@$(VENV)/python -m contracts generate

lock: install ## resolve again into requirements.lock (ARGS=--upgrade takes newest versions)
	@$(VENV)/python tools/lock.py $(ARGS)

# Files and folders of the tests that use an engine of the test kit: USHER_TEST_ENGINES says which one it is.
suites_on = $(patsubst %conftest.py,%,$(shell grep -rlE --include='*.py' '$(1)' libs/*/tests services/*/tests))
E2E = $(addprefix tests/e2e/test_,journey.py on_sale.py conferences.py)

test-long: install ## an hour and a half of breaking things while they sell, and of random sequences
	@$(VENV)/python -m pytest -m long --timeout 3600 -s $(ARGS)

test-native: install ## the suites on Apache Kafka and Elasticsearch (Java 17 and Maven), and 5,000 events to search
	@USHER_TEST_ENGINES=native $(VENV)/python -m pytest -m "not containers and not long and not stripe_mock and not observe and not cluster" --timeout 600 \
		$(call suites_on,kafka_elastic_engine) deploy/local/tests/test_native.py $(E2E) $(ARGS)

test-containers: install ## the suites on MongoDB, Apache Kafka and Elasticsearch in containers (Docker)
	@USHER_TEST_ENGINES=containers $(VENV)/python -m pytest -m "not native and not long and not stripe_mock and not observe and not cluster" --timeout 600 \
		$(call suites_on,kafka_elastic_engine|mongo_engine|mongo_process) $(ARGS)

policies: install ## checkov over what the chart renders (an environment of its own, 290 MB)
	@$(VENV)/python tools/run_checkov.py

test-stripe-mock: install ## the Stripe adapter on Stripe's own stripe-mock (Go 1.24; skipped without)
	@$(VENV)/python -m pytest -m stripe_mock services/payment/tests/stripe_mock $(ARGS)

.PHONY: test-observe prometheus dashboards

test-observe: install ## alerts by promtool, and every panel's query on a Prometheus that scrapes a busy stack
	@$(VENV)/python -m pytest -m observe --timeout 600 deploy/monitoring deploy/local $(ARGS)

prometheus: python ## Debian's Prometheus without installing it, for test-observe and `usher up --observe`
	@$(PYTHON) tools/prometheus.py

dashboards: install ## write dashboards and rules again from deploy/monitoring
	@$(VENV)/python -m monitoring_config

test-cluster: install ## the chart on a Kubernetes control plane with nodes that are played (Go 1.26; skipped without)
	@$(VENV)/python -m pytest -m cluster --timeout 3600 tests/cluster $(ARGS)

install: python ## .venv with everything (nothing to do when unchanged)
	@$(PYTHON) tools/install.py

install-runtime: python
	@$(PYTHON) tools/install.py --only runtime

.PHONY: python
python:
	@test -n "$(PYTHON)" || { echo "Usher needs Python 3.11 or newer on the PATH (or: make PYTHON=/path/to/python3.12 ...)" >&2; exit 1; }

clean: ## remove .venv and caches; the data of stacks under var/ stays
	rm -rf .venv .build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
