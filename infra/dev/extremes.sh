#!/usr/bin/env bash
# What runs end in that are asked for much, or hit by something, at the sizes that infra/docs/using/faults.md tells.
set -euo pipefail
cd "$(dirname "$0")/../.."
./infra/dev/setup.sh
HEADGATE_TEST_EXTREMES=full exec .venv/bin/python -m pytest tests/e2e/test_extremes.py -q --durations=20 "$@"
