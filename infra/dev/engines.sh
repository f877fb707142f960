#!/usr/bin/env bash
# Runs tasks on the real Dask, Ray and Spark of this machine. Installs them beside the environment: they are large.
set -euo pipefail
cd "$(dirname "$0")/../.."
./infra/dev/setup.sh

engines=.venv/engines
if [ ! -e "$engines/.done" ]; then
  echo "Installing Dask, Ray and Spark into $engines ..." >&2
  .venv/bin/uv pip install --quiet --python .venv/bin/python --target "$engines" \
    "distributed>=2025.1" "ray>=2.40,<3" "pyspark>=3.5,<5"
  touch "$engines/.done"
fi
# Behind the environment's own libraries, which the engines bring again.
PYTHONPATH=$engines exec .venv/bin/python -m pytest tests/engines/task_runners.py -q "$@"
