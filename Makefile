# `make demo` and `make test` do all the set-up a fresh machine needs.
PYTHON ?= python3
VENV := .venv
RUN := $(VENV)/bin/python
# Where there is no GPU the CPU build of torch is enough, and smaller by gigabytes; some indexes carry it, some do not.
TORCH_CPU := torch==2.13.0+cpu
TORCH_ANY := torch==2.13.0
GPU := $(shell command -v nvidia-smi 2>/dev/null)

.PHONY: install demo test lint bench tiny clean

install: $(VENV)/.installed

$(VENV)/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(if $(GPU),,$(RUN) -m pip install -q "$(TORCH_CPU)" ||) $(RUN) -m pip install -q "$(TORCH_ANY)"
	$(RUN) -m pip install -q -c constraints.txt -e ".[data,math,schema,language,code,lora,gguf,dev]"
	$(RUN) -m pip install -q -c constraints.txt "reasoning-gym>=0.1.25,<0.2" || echo "reasoning-gym was not installed (it needs a C compiler): its tests are left out"
	touch $@

demo: install
	$(RUN) -m r1lite.train experiment=demo run_dir=runs/demo

test: install lint
	$(RUN) -m pytest

lint: install
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m pyright

bench: install
	$(RUN) -m bench.sampling

# The models that ship with r1lite, made anew.
tiny: install
	$(RUN) -m r1lite.train experiment=tiny_base run_dir=runs/tiny_base
	$(RUN) -m r1lite.train experiment=tiny_student run_dir=runs/tiny_student

clean:
	rm -rf $(VENV) build dist
