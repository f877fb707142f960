#!/usr/bin/env bash
# Runs the cases of task runners on the real Dask, Ray and Spark of this machine, and has code from Google's and Azure's stores. Installs them beside the environment: they are large.
set -euo pipefail
cd "$(dirname "$0")/../.."
./infra/dev/setup.sh

engines=.venv/engines
if [ ! -e "$engines/.done-with-stores" ]; then
  echo "Installing Dask, Ray, Spark and stores of code into $engines ..." >&2
  .venv/bin/uv pip install --quiet --python .venv/bin/python --target "$engines" \
    "distributed>=2025.1" "ray>=2.40,<3" "pyspark>=3.5,<5" \
    "gcsfs>=2025.1" "adlfs>=2025.1" "gcp-storage-emulator>=2025.1"
  touch "$engines/.done-with-stores"
fi
# Behind the environment's own libraries, which the engines bring again.
PYTHONPATH=$engines exec .venv/bin/python -m pytest \
  tests/client/conformance/test_task_runners.py tests/engines/task_runners.py tests/engines/code_stores.py -q -rs "$@"
