# make demo   set up, draw a data set, run the whole pipeline on it
# make test   set up, run the tests
# make test-fast          only the quick tests that start no server
# make ui     look at past runs in Prefect and MLflow; PREFECT_PORT=4201 MLFLOW_PORT=5001 for other ports
# make check  style, types, import law
# make bench  benchmarks, one JSON line each
# make campaign N=100     kill whole runs at random instants, run them again, compare
# make stack  build the images and start servers and workers in containers (docker/README.md); GPU=1 with GPU jobs
# make serve  answer for photographs over HTTP with the champion, in a container of the stack
# make worker             on another host: only a worker; GPU=1 with GPU jobs
# make stack-down         stop them; all data stay
# make test-onnx          tests of what needs the extra onnx, which they install in a folder of their own
# make test-docker        tests of images, stack and containers; needs a Docker engine

PYTHON ?= python3
BIN := .venv/bin
DEMO ?= demo-out
N ?= 100
# From scratch on 40 people, a tiny residual network learns more in a minute than the recipe's MobileNet. Its people wear
# masks of all kinds already, so no others are drawn on them.
DEMO_SETTINGS := --set 'networks.*.backbone=test_resnet' --set 'networks.*.pretrained=none' \
	--set 'networks.*.size=[64,48]' --set 'networks.*.batch_size=16' --set 'networks.*.epochs=40' \
	--set 'networks.*.optimizer.lr=0.002' --set 'networks.joint.cutmix.p=0' \
	--set 'networks.*.covering={}' --set 'networks.mask.augmentation={}' --set 'networks.age-2=null'

STACK_ENV ?= docker/.env
STACK := docker compose --file docker/compose.yaml --env-file $(STACK_ENV)
# Group of the engine's socket, which workers use to start containers; the settings file takes precedence.
setting = $(shell sed -n 's/^$(1)=//p' $(STACK_ENV) 2>/dev/null)
socket = $(or $(call setting,DOCKER_SOCKET),$(DOCKER_SOCKET),/var/run/docker.sock)
# With a name for https, a proxy is started, and links lead to it.
tls = $(call setting,TLS_NAME)
ifneq ($(tls),)
export PREFECT_PAGE = https://$(tls):$(or $(call setting,PREFECT_TLS_PORT),4243)
export MLFLOW_PAGE = https://$(tls):$(or $(call setting,MLFLOW_TLS_PORT),5043)
endif
# On another host: the first one, reached by https.
gateway = $(call setting,GATEWAY)
network = $(or $(call setting,NETWORK),maskfold)
export DOCKER_GID ?= $(or $(call setting,DOCKER_GID),$(shell stat -Lc %g $(socket) 2>/dev/null || echo 0))
export REVISION ?= $(shell git rev-parse HEAD 2>/dev/null)

.PHONY: set-up demo test test-fast test-onnx test-docker ui check format bench campaign lock images cache stack serve worker stack-down clean

set-up: .venv/.ready

.venv/.ready: requirements.lock requirements-nodeps.lock requirements.hashes pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "maskfold needs Python 3.11 or later; this is " + sys.version.split()[0] + ". Try: make PYTHON=/path/to/python3.11")'
	@echo "setting up .venv (a few minutes the first time)"
	@$(PYTHON) -m venv .venv
	@$(BIN)/python scripts/hashes.py install
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@

demo: set-up
	@$(BIN)/maskfold demo --out $(DEMO)/data --people 40
	@$(BIN)/maskfold run --data $(DEMO)/data --workspace $(DEMO)/workspace --recipe fast $(DEMO_SETTINGS)

test: set-up
	$(BIN)/pytest -m "not docker" -n 2 --dist loadfile --no-loadscope-reorder

test-fast: set-up
	$(BIN)/pytest --fast -n 2 --dist loadfile --no-loadscope-reorder

test-onnx: set-up
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --upgrade --target .cache/onnx \
		--requirement requirements-onnx.lock
	PYTHONPATH=.cache/onnx $(BIN)/pytest tests/inference/test_trainings.py tests/inference/test_formats.py

test-docker: set-up
	$(BIN)/pytest -m docker

check: set-up
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/test_import_law.py

format: set-up
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

ui: set-up
	@$(BIN)/maskfold ui $(if $(PREFECT_PORT),--prefect-port $(PREFECT_PORT)) $(if $(MLFLOW_PORT),--mlflow-port $(MLFLOW_PORT))

bench: set-up
	@for bench in bench/bench_*.py; do $(BIN)/python $$bench || exit $$?; done

docker/.env:
	@$(PYTHON) docker/make_settings.py $@

campaign: set-up
	@$(BIN)/python -m tests.faults.campaign --kills $(N)

images: $(STACK_ENV)
	@$(STACK) --profile images $(if $(GPU),--profile images-gpu) $(if $(tls)$(gateway),--profile tls) build

# The last services: all others start before them.
stack: images cache
	@$(STACK) $(if $(GPU),--profile gpu) $(if $(tls),--profile tls) up --detach --wait \
		conductor worker $(if $(GPU),worker-gpu) $(if $(tls),tls) || \
		{ $(STACK) --profile tls logs --no-log-prefix --tail 5 settings tls >&2; exit 1; }
	@$(STACK) up --detach sweeper
	@$(STACK) ps --format 'table {{.Service}}\t{{.Status}}\t{{.Ports}}'

# Needs the stack's store and MLflow, which it starts; a settings file from before has no token.
serve: $(STACK_ENV) cache
	@grep -q '^SERVE_TOKEN=..*' $(STACK_ENV) || \
		{ echo "$(STACK_ENV): SERVE_TOKEN is missing; add SERVE_TOKEN=, followed by the output of: openssl rand -hex 24" >&2; exit 2; }
	@$(STACK) --profile serve up --detach --build --wait serve || \
		{ $(STACK) --profile serve logs --no-log-prefix --tail 5 settings serve >&2; exit 1; }
	@$(STACK) ps --format 'table {{.Service}}\t{{.Status}}\t{{.Ports}}' serve

# On another host, with the first host in its docker/.env.
worker: $(STACK_ENV) cache
	@[ -z "$(gateway)" ] || $(STACK) --profile gateway up --detach --wait gateway || \
		{ $(STACK) --profile gateway logs --no-log-prefix --tail 5 gateway >&2; exit 1; }
	@$(STACK) $(if $(GPU),--profile gpu) up --detach --wait --no-deps $(if $(GPU),worker-gpu,worker)
	@$(STACK) up --detach --no-deps sweeper

# Jobs' cache: not a part of the stack, so that `docker compose down --volumes` leaves that of other stacks alone.
cache:
	@docker volume create maskfold-cache >/dev/null

# Runs are cancelled first, while workers can still stop their jobs: nothing is left that would start later.
stack-down:
	@[ -z "$$($(STACK) ps --quiet --status running conductor)" ] || \
		$(STACK) exec --no-TTY conductor python -m flows.stop_runs
	@$(STACK) --profile gpu stop conductor worker worker-gpu
	@$(stop-jobs)
	@$(STACK) --profile gpu --profile tls --profile gateway --profile serve down

jobs = docker ps $(1) --quiet --filter label=maskfold --filter network=$(network)
define stop-jobs
ids=$$($(call jobs,)); [ -z "$$ids" ] || docker stop --time 90 $$ids >/dev/null; \
	ids=$$($(call jobs,--all)); [ -z "$$ids" ] || docker rm --force $$ids >/dev/null
endef

lock:
	PYTHON=$(PYTHON) scripts/lock.sh

clean:
	rm -rf .venv .cache build $(DEMO)
