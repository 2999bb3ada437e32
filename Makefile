# The two commands of the course are `make course` and `make test`. Each makes what it needs first.
# All of them are thin: what they do is in `autograd-course`, which runs without make as well.

PYTHON ?= python3
PORT ?=
BROWSER ?= 1
FAST ?=
ARGS ?=

VENV := .venv
BIN := $(VENV)/bin
COURSE := $(BIN)/python -m grader.cli
# nbgrader runs `alembic` by name, and tests run programs of the environment by name.
export PATH := $(CURDIR)/$(BIN):$(PATH)
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: course book test bench bench-hub demo hub exercises wheel lint format help
.DELETE_ON_ERROR:

help:
	@echo "make course      your workspace and JupyterLab    PORT=8899 BROWSER=0 PYTHON=python3.12"
	@echo "make test        every test                       ARGS='-k workspace', FAST=1 without the slow ones"
	@echo "make bench       what a check, a picture's step, a first grade, a class and a watched step cost"
	@echo "make bench-hub   20 students at once, as root     ARGS='--students 40'"
	@echo "make hub         a classroom on this machine      ARGS='--students 30', see hub/README.md"
	@echo "make exercises   the releases, from the solutions"
	@echo "make wheel       the course as one file for pip, in dist/"
	@echo "make book        the course as web pages that need no kernel, in site/"
	@echo "make demo        a made-up class, graded          ARGS='--assignment 02-leaves --size 12'"
	@echo "make lint        ruff and mypy over code and notebooks"
	@echo "make format      let ruff format code and notebooks"

.DEFAULT_GOAL := help

course: $(VENV)/made-core
	@$(COURSE) open $(if $(PORT),--port $(PORT)) $(if $(filter 0 no false,$(BROWSER)),--no-browser)

test: $(VENV)/made-test
	$(BIN)/python -m pytest -n auto --dist loadscope $(if $(FAST),-m "not slow") $(ARGS)

bench: $(VENV)/made-test
	$(BIN)/python -m benchmarks.check
	$(BIN)/python -m benchmarks.learner
	$(BIN)/python -m benchmarks.starting
	$(BIN)/python -m benchmarks.pictures
	$(BIN)/python -m benchmarks.grading
	$(BIN)/python -m benchmarks.watching

bench-hub: $(VENV)/made-test
	$(BIN)/python -m benchmarks.hub $(ARGS)

# As root it makes a Python of its own, which students can read; else the environment here will do.
ifeq ($(shell id -u),0)
hub:
	@$(PYTHON) -m hub $(ARGS)
else
hub: $(VENV)/made-hub
	@$(BIN)/python -m hub $(ARGS)
endif

exercises: $(VENV)/made-core
	@$(COURSE) exercises

wheel: $(VENV)/made-core
	@rm -rf build/lib build/bdist.*
	$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .
	@ls dist/*.whl

book: $(VENV)/made-book
	@$(BIN)/python -m book

demo: $(VENV)/made-core
	@$(COURSE) demo $(ARGS)

# Notebooks are linted as notebooks: jupytext hands each text to ruff as the .ipynb it stands for.
TEXTS = $(wildcard course/lessons/*.md solutions/*/*.md)
JUPYTEXT = $(BIN)/python -m jupytext --quiet --from md:myst --pipe-fmt ipynb
RUFF = $(BIN)/python -m ruff

lint: $(VENV)/made-test
	$(RUFF) format --check .
	$(RUFF) check .
	$(if $(TEXTS),$(JUPYTEXT) --check '$(RUFF) format --quiet --check {}' --check '$(RUFF) check --quiet {}' $(TEXTS))
	$(BIN)/python -m mypy

format: $(VENV)/made-test
	$(RUFF) check --fix .
	$(RUFF) format .
	$(if $(TEXTS),$(JUPYTEXT) --pipe '$(RUFF) format {}' $(TEXTS))

# The environment. It is made anew in a checkout that was copied or moved, since it names its place.
ifneq "$(shell cat $(VENV)/made-in 2>/dev/null)" "$(CURDIR)"
.PHONY: $(BIN)/python
endif

$(BIN)/python:
	@command -v "$(PYTHON)" >/dev/null || { \
	  echo "There is no program $(PYTHON). Name your Python: make PYTHON=/path/to/python3.12"; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "This course needs Python 3.11 or newer, and $(PYTHON) is $$("$(PYTHON)" --version 2>&1)."; \
	  echo "Name a newer one: make PYTHON=python3.12"; exit 1; }
	@echo "Making the environment in $(VENV). The first time this takes some minutes."
	@"$(PYTHON)" -m venv --clear $(VENV) || { \
	  echo "On Debian and Ubuntu, venv is a package of its own: apt-get install python3-venv"; exit 1; }
	@pwd -P > $(VENV)/made-in

# The first time pip shows its progress; after that only what goes wrong.
PIP_INSTALL = $(BIN)/python -m pip install $(if $(wildcard $@),--quiet) --constraint constraints.txt

$(VENV)/made-core: pyproject.toml constraints.txt $(BIN)/python
	$(PIP_INSTALL) --editable .
	@touch $@

$(VENV)/made-hub: pyproject.toml constraints.txt $(BIN)/python
	$(PIP_INSTALL) --editable '.[hub]'
	@touch $@ $(VENV)/made-core

$(VENV)/made-book: pyproject.toml constraints.txt $(BIN)/python
	$(PIP_INSTALL) --editable '.[book]'
	@touch $@ $(VENV)/made-core

$(VENV)/made-test: pyproject.toml constraints.txt $(BIN)/python
	$(PIP_INSTALL) --editable '.[test]'
	@touch $@ $(VENV)/made-core
