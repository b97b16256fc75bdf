#!/bin/sh
# Install what pack.py packed, from wheels/ beside this tree, and run `make test-gpu` within eight minutes. Needs Python
# with venv, make and, where torch was not packed, torch; no network. Arguments go to make.
set -eu
cd "$(dirname "$0")/.."
python=${PYTHON:-python3}
ls wheels/torch-*.whl >/dev/null 2>&1 && own= || own=--system-site-packages
"$python" -m venv $own .venv
export PIP_NO_INDEX=1 PIP_FIND_LINKS="$PWD/wheels" PIP_DISABLE_PIP_VERSION_CHECK=1
.venv/bin/python -m pip install --quiet --no-deps wheels/*.whl
.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .
touch .venv/.installed
timeout 480 make test-gpu "$@"
