#!/usr/bin/env bash
# The checks that run no product code: lint, format, types, import contracts.
set -euo pipefail
cd "$(dirname "$0")/../.."
export PATH="$PWD/.venv/bin:$PATH"

step() {
  local log
  log=$("$@" 2>&1) || { printf '%s\n' "$log" >&2; echo "check failed: $*" >&2; return 1; }
  echo "ok: $*"
}

step ruff check --quiet .
step ruff format --check --quiet .
step lint-imports --no-logo
step infra/dev/rules.sh
step python infra/dev/known_faults.py
step pyright --pythonpath .venv/bin/python
