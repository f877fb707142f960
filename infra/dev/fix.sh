#!/usr/bin/env bash
# Mends what ruff can mend, and formats.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
.venv/bin/python -m ruff check --fix --quiet . || true
.venv/bin/python -m ruff format --quiet .
exec .venv/bin/python -m ruff check .
