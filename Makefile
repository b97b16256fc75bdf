# make setup | demo | test | docs | benchmark. Needs make and Python 3.11, nothing else.
#
# On Linux, pip takes PyTorch's CUDA build from PyPI (2 GB). The CPU build does as well and is smaller:
#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make setup

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# the tests run many small computations: one thread each is fastest, and leaves the machine usable
TEST_THREADS ?= 1

.PHONY: setup demo test docs benchmark clean
.DELETE_ON_ERROR:

setup: $(STAMP)

# A venv without the stamp is an installation that did not end: it is taken up again, not started anew.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 is needed: make setup PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all]'
	# only the weights file of lpips is read; the torchvision it asks for is never imported
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps lpips
	touch $@

demo: setup
	$(BIN)/python -m monai_inpaint.demo

test: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	OMP_NUM_THREADS=$(TEST_THREADS) OPENBLAS_NUM_THREADS=$(TEST_THREADS) $(BIN)/python -m pytest

docs: setup
	$(BIN)/mkdocs build --strict

benchmark: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) build dist site .pytest_cache .ruff_cache .hypothesis
