# claylake: `make demo` shows the whole system on this machine, `make test` checks it. `make help` lists the rest.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# Downloads are kept per user, so that a second clone fetches nothing again.
CACHE ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/claylake
UV := $(or $(shell command -v uv 2>/dev/null),$(CACHE)/uv/bin/uv)
UV_VERSION := 0.13.9
COMPILE = $(UV) pip compile -q --generate-hashes --no-header --no-annotate

# pyenv hides its interpreters unless they are named.
ifeq ($(origin PYENV_VERSION),undefined)
ifneq ($(shell command -v pyenv 2>/dev/null),)
export PYENV_VERSION := $(shell pyenv versions --bare 2>/dev/null | grep -E '^3\.(11|12)\.[0-9]+$$' | paste -sd: -)
endif
endif

PYTHON_airflow := 3.12
PYTHON_spark := 3.11
PYTHON_infra := 3.12
PYTHON_docs := 3.12
AIRFLOW := .venv/airflow/bin/python
SPARK := .venv/spark/bin/python
INFRA := .venv/infra/bin/python
ENVIRONMENTS := .venv/airflow/.synced .venv/spark/.synced .venv/infra/.synced
ORACLE := .venv/oracle/.synced
DOCS := .venv/docs/.synced
JARS := .cache/jars/.fetched

# demo: which months of the generated world, and which events, with blanks between (else a fire; docs/demo.md);
# or DATA=<folder> of STAC items and COGs instead.
MONTHS ?= 2024-08/2024-09
EVENTS ?=
DATA ?=
PORT ?= 8080
DOCS_PORT ?= 8000
# verify: the lake to check, instead of DATA: a deployment's deployed.json, or a folder that has one; how many of its chips,
# a number or all; and the seed that an earlier sample said.
LAKE ?=
SAMPLE ?=
SEED ?=
# build: which encoders, names or folders of artefacts; for GPUs unless ARCH is given (cuda or cpu).
MODEL ?= clay-v1.5
# model: which encoder; for this machine unless ARCH is given (cpu, cuda or mps).
NAME ?= clay-v1.5
# model and build: a precision to hold, too, also if it is slow on this machine.
PRECISION ?=
SIZE ?= large
BENCH_MODEL ?= demo-random
FUZZ_EXAMPLES ?= 1500
given = $(filter command line environment,$(origin $(1)))
# tiles: the list of tiles as GeoJSON, where it is on this machine.
GEOJSON ?=
# dag-check: users' AOI files and settings, and a folder or commit to compare with (else what git has committed).
AOIS ?= dags/aois
SETTINGS ?= dags/settings.yaml
BEFORE ?=
# deploy, diff and destroy: which stage of cdk.json.
STAGE ?= sandbox
export CLAYLAKE_CACHE := $(CACHE)
# The stand-in for AWS is on this machine: no proxy stands between.
comma := ,
empty :=
space := $(empty) $(empty)
unproxied := $(or $(NO_PROXY),$(no_proxy))
ifneq ($(unproxied),*)
export NO_PROXY := 127.0.0.1,localhost$(addprefix $(comma),$(subst $(space),,$(unproxied)))
export no_proxy := $(NO_PROXY)
endif

.PHONY: help
help: ## list these targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "%-14s%s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: setup
setup: $(ENVIRONMENTS) $(ORACLE) $(DOCS) $(JARS) ## install everything that is missing: uv, the environments, jars, the JVM's class archive
	@$(INFRA) -m infra.local.class_archive.rehearse
	@echo "claylake is set up"

.PHONY: doctor
doctor: ## say what this machine has for claylake, what it lacks, and what to do (before set-up, too)
	@UV="$(wildcard $(UV))" PORT="$(PORT)" MAKE_NAME="$(MAKE)" TORCH_BACKEND="$(TORCH_BACKEND)" infra/python -m infra.doctor

.PHONY: demo
demo: setup ## run real months through the real DAG on this machine (MONTHS=2024-07/2024-09, EVENTS=<events>, DATA=<folder>)
	$(INFRA) -m infra.local.demo --months "$(MONTHS)" $(foreach each,$(EVENTS),--event "$(each)") $(if $(DATA),--data "$(DATA)") $(if $(call given,MODEL),--model "$(MODEL)")

.PHONY: verify
verify: setup ## read published chips again and compare every pixel: DATA=<folder> runs its months first; LAKE=<deployment or stand-in> (SAMPLE=100, SEED=)
	$(INFRA) -m infra.local.verify --data "$(DATA)" --lake "$(LAKE)" --sample "$(SAMPLE)" --seed "$(SEED)"

.PHONY: cli
cli: .venv/spark/.synced ## leave the command claylake in bin/: months on a lake in a folder of this machine (docs/claylake.md)
	mkdir -p bin
	printf '%s\n' '#!/bin/sh' 'here=$$(cd "$$(dirname "$$0")/.." && pwd)' 'PYTHONPATH="$$here/dags:$$here" exec "$$here/.venv/spark/bin/python" -m cli "$$@"' > bin/claylake
	chmod +x bin/claylake
	@echo "bin/claylake --help"

.PHONY: dag-check
dag-check: .venv/airflow/.synced ## check AOI files and settings: DAGs, cells, dollars a month, what a change does to history (AOIS=, SETTINGS=, BEFORE=; docs/aoi-files.md)
	@PYTHONPATH=dags:plugins:. $(AIRFLOW) -m infra.dag_check --aois "$(AOIS)" --settings "$(SETTINGS)" --before "$(BEFORE)"

.PHONY: up
up: setup ## start the local stack with Airflow's UI on PORT (8080), or another port where that is taken; Ctrl-C ends all
	$(INFRA) -m infra.local.up --port $(PORT) $(if $(DATA),--data "$(DATA)")

.PHONY: build
build: setup ## put together what AWS is given, in dist/ (MODEL=<name or folder of an encoder>; ARCH=cpu: nodes without GPUs, PRECISION=bf16)
	UV=$(UV) $(INFRA) -m infra.build $(if $(ARCH),--arch "$(ARCH)") $(foreach each,$(MODEL),--model "$(each)") $(foreach each,$(PRECISION),--precision "$(each)")

.PHONY: wheel
wheel: .venv/infra/.synced ## build the package, as wheel and source archive, in out/wheel/
	$(INFRA) -m hatchling build -d out/wheel

.PHONY: model
model: setup ## fetch, build and verify an encoder, for this machine unless ARCH=cpu|cuda|mps (NAME=clay-v1.5|large-random|demo-random, PRECISION=bf16)
	folder=$$($(SPARK) -m model build --name "$(NAME)" $(if $(ARCH),--arch "$(ARCH)") $(foreach each,$(PRECISION),--precision "$(each)")) && $(SPARK) -m model check "$$folder" && echo "$$folder"

.PHONY: pin
pin: setup ## write the checkpoint's pin, made by this user's first make model, into model/checkpoint.json, to be committed
	$(SPARK) -m model fetch --record

.PHONY: bench-encoder
bench-encoder: setup ## time our encoder beside the published one, in one run (SIZE=large; COMPILED=1: torch.compile, too)
	$(SPARK) -m model bench --size "$(SIZE)" $(if $(COMPILED),--compiled)

.PHONY: test
test: setup lint ## lint, then every test
	$(INFRA) -m infra.run_tests

.PHONY: test-fast
test-fast: setup ## tests without the slow ones
	$(INFRA) -m infra.run_tests --fast

.PHONY: test-domain
test-domain: .venv/airflow/.synced ## tests of the domain alone (dags/claylake), without the slow ones
	$(AIRFLOW) -m pytest -q -m "not slow" tests/dags/domain

.PHONY: test-matrix
test-matrix: setup ## clear and fail every task of a run in turn (over half an hour)
	$(AIRFLOW) -m pytest -q -m matrix tests/system

.PHONY: test-beside
test-beside: setup ## try rarer cases: runs beside each other, lost answers, expired history, clocks of maintenance, interrupted commands (half an hour)
	JAVA_HOME=$$($(SPARK) -m infra.java) $(SPARK) -m pytest -q -m beside tests/spark tests/cli

.PHONY: faults
faults: setup ## print what faults of networks and servers cost: requests, cells lost, seconds (docs/reading.md)
	$(SPARK) -m pytest -q -s -k ridden_out_or_named tests/spark/extract/test_faults.py | grep -o "| .*|"

.PHONY: fuzz
fuzz: setup ## try very many files of every structure, servers of every fault, and odd items (FUZZ_EXAMPLES=<of each test>; many minutes)
	CLAYLAKE_FUZZ_EXAMPLES="$(FUZZ_EXAMPLES)" $(AIRFLOW) -m pytest -q -k nothing_is_uncaught tests/dags/domain/test_dialects.py
	CLAYLAKE_FUZZ_EXAMPLES="$(FUZZ_EXAMPLES)" $(SPARK) -m pytest -q tests/spark/extract/test_fuzz_files.py tests/spark/extract/test_fuzz_servers.py

.PHONY: test-globe
test-globe: setup ## check every cell of the globe for holes and doubles by both ownership rules, and print a table (minutes)
	PYTHONPATH=dags:. $(AIRFLOW) -m pytest -q -s tests/globe

.PHONY: bench
bench: bench-encoder bench-embed bench-extract bench-lake bench-parse bench-plan bench-queue bench-scale ## every benchmark below

.PHONY: bench-embed
bench-embed: setup ## measure the embed worker's rate over the bare encoder's (BENCH_MODEL=<name of an encoder>)
	PYTHONPATH=dags:. $(SPARK) -m spark.bench embed --model "$$($(SPARK) -m model build --name "$(BENCH_MODEL)")" --out out/bench-embed.json

.PHONY: bench-extract
bench-extract: setup ## measure extraction over plain windows, its fetched bytes and its memory, on a generated full scene (minutes)
	PYTHONPATH=dags:. $(SPARK) -m spark.bench extract --folder out/bench-extract --out out/bench-extract.json

.PHONY: bench-lake
bench-lake: setup ## measure publishing, missing vectors and commits in lakes of 1,000 to 1,000,000 rows (many minutes; 10 GB of disk)
	PYTHONPATH=dags:. $(SPARK) -m spark.bench lake --out out/bench-lake.json

.PHONY: bench-parse
bench-parse: .venv/airflow/.synced ## measure what parsing and storing the DAGs of 1 to 1,000 AOI files takes (minutes)
	$(AIRFLOW) -m tests.dags.airflow.bench_parse

.PHONY: bench-plan
bench-plan: .venv/airflow/.synced ## measure seconds and memory of plans of 10,000 to 1,000,000 cells, and of 36,000 scenes
	PYTHONPATH=dags:. $(AIRFLOW) -m spark.bench.planning --out out/bench-plan.json

.PHONY: bench-queue
bench-queue: .venv/airflow/.synced ## measure calls to EMR of 200 runs that wait for a cluster, and the order in which they are served (minutes)
	PYTHONPATH=dags:plugins:. $(AIRFLOW) -m tests.plugins.bench_queue

.PHONY: bench-scale
bench-scale: setup ## simulate extraction of 1,000,000 km2 a month on 8, 32 and 128 nodes, from measured unit costs (a minute; RATES=<JSON of bench-extract>)
	PYTHONPATH=dags:. $(SPARK) -m spark.bench.scale $(if $(RATES),--rates "$(RATES)") --out out/bench-scale.json

.PHONY: docs
docs: .venv/infra/.synced $(DOCS) ## build the site of the documentation in out/site; a broken link or anchor is an error
	$(INFRA) -m infra.site
	@echo "out/site/index.html (its search needs make docs-serve)"

.PHONY: docs-serve
docs-serve: .venv/infra/.synced $(DOCS) ## show that site on this machine, on DOCS_PORT (8000); Ctrl-C ends it
	$(INFRA) -m infra.site --serve "$(DOCS_PORT)"

.PHONY: settings-docs
settings-docs: .venv/infra/.synced ## write docs/settings.md anew from the model of the settings
	$(INFRA) -m infra.site.settings_page

.PHONY: synth
synth: .venv/infra/.synced ## synthesise the AWS stacks of every stage offline; any finding of cdk-nag fails (REASONS=1 shows those answered)
	$(INFRA) -m infra.synth $(if $(REASONS),--reasons)

.PHONY: deploy
deploy: build ## build, and deploy the stacks of STAGE (sandbox) to the AWS account of the current credentials (IMPORT=1 takes a kept lake back)
	$(INFRA) -m infra.cdk deploy --all $(if $(IMPORT),--import-existing-resources) -c stage=$(STAGE)

.PHONY: diff
diff: build ## build, and show what `make deploy` would change in the stacks of STAGE (sandbox)
	$(INFRA) -m infra.cdk diff --fail-on never -c stage=$(STAGE)

.PHONY: destroy
destroy: .venv/infra/.synced ## say what stays, and destroy the stacks of STAGE (sandbox) once you confirm it
	$(INFRA) -m infra.kept $(STAGE)
	$(INFRA) -m infra.cdk destroy --all -c stage=$(STAGE)

.PHONY: lint lint-infra lint-spark lint-airflow
lint: $(ENVIRONMENTS) ## ruff, dead code, import rules, mypy strict in each environment (two at a time: they take a minute or two each)
	.venv/airflow/bin/ruff check .
	.venv/airflow/bin/ruff format --check .
	.venv/airflow/bin/vulture
	$(MAKE) -j2 lint-infra lint-spark lint-airflow

lint-infra:
	.venv/infra/bin/mypy --cache-dir .mypy_cache/infra infra --exclude 'infra/(world|tiles|verify|pictures|dag_check)'

lint-spark:
	.venv/spark/bin/mypy --cache-dir .mypy_cache/spark spark model cli infra/world infra/tiles infra/verify infra/pictures --exclude spark/bench/planning.py

lint-airflow:
	.venv/airflow/bin/mypy --cache-dir .mypy_cache/airflow dags plugins spark/bench/planning.py infra/dag_check
	PYTHONPATH=dags:plugins:. .venv/airflow/bin/lint-imports --no-cache

.PHONY: format
format: .venv/airflow/.synced ## format the code
	.venv/airflow/bin/ruff format .
	.venv/airflow/bin/ruff check --fix .

.PHONY: lock
lock: $(UV) ## compile the lock files again, each for every platform; those of nodes for theirs
	grep -v '^--constraint' requirements.txt | cat - locks/airflow.in > locks/.airflow.in
	$(COMPILE) --universal --python-version $(PYTHON_airflow) -c constraints.txt locks/.airflow.in -o locks/airflow.txt
	rm locks/.airflow.in
	$(COMPILE) --universal --python-version $(PYTHON_spark) locks/spark.in -o locks/spark.txt
	$(COMPILE) --no-deps --python-version $(PYTHON_spark) locks/oracle.in -o locks/oracle.txt
	for layer in extract embed; do $(COMPILE) --python-version $(PYTHON_spark) --python-platform x86_64-manylinux_2_28 -c locks/spark.txt locks/$$layer.in -o locks/$$layer.txt || exit; done
	$(COMPILE) --universal --python-version $(PYTHON_infra) locks/infra.in -o locks/infra.txt
	$(COMPILE) --universal --python-version $(PYTHON_docs) locks/docs.in -o locks/docs.txt

.PHONY: tiles
tiles: setup ## check ESA's list of tiles and write dags/claylake/area/tiles.json (GEOJSON=<path>; else the package is fetched)
	UV=$(UV) PYTHONPATH=dags:. $(SPARK) -m infra.tiles $(if $(GEOJSON),--geojson "$(GEOJSON)")

.PHONY: docs-images
docs-images: setup ## run two months of the generated landscape by the command, and draw docs/images/ from its lake (minutes)
	$(SPARK) -m infra.world --out "$(CACHE)/world/demo" --months 2024-08/2024-09
	$(SPARK) -m model build --name demo-random
	PYTHONPATH=dags:. $(SPARK) -m infra.pictures --world "$(CACHE)/world/demo" --lake out/docs-images/lake --out docs/images

.PHONY: locks-check
locks-check: .venv/infra/.synced ## check that the package index has wheels of every lock for Linux x86-64 and ARM, and macOS on ARM
	UV=$(UV) $(INFRA) -m infra.locks

.PHONY: clean
clean: ## remove environments, local state and output (the per-user cache stays)
	rm -rf bin .venv .cache .local out dist cdk.out node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(CACHE)/uv/bin/uv:
	infra/python -m venv $(CACHE)/uv
	$(CACHE)/uv/bin/python -m pip install -q --disable-pip-version-check uv==$(UV_VERSION)

$(ENVIRONMENTS) $(DOCS): .venv/%/.synced: locks/%.txt | $(UV)
	$(UV) venv -q --allow-existing --python $(PYTHON_$*) .venv/$*
	UV=$(UV) TORCH_BACKEND=$(TORCH_BACKEND) infra/install .venv/$* locks/$*.txt
	touch $@

# Alone and apart: its modules lie at top level, and its own pins would replace torch.
$(ORACLE): locks/oracle.txt .venv/spark/.synced
	rm -rf .venv/oracle
	$(UV) pip install -q --no-deps --require-hashes --python $(SPARK) --target .venv/oracle -r locks/oracle.txt
	touch $@

$(JARS): infra/jars.sha256 infra/jars.py infra/trust.py .venv/spark/.synced
	java=$$($(SPARK) -m infra.java) && JAVA_HOME="$$java" $(SPARK) -m infra.jars --cache $(CACHE) --out .cache/jars
	touch $@
