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

failed=0
step pyright --pythonpath .venv/bin/python & # takes as long as all the others
types=$!
step ruff check --quiet . || failed=1
step ruff format --check --quiet . || failed=1
step lint-imports --no-logo || failed=1
step infra/dev/rules.sh || failed=1
step python infra/dev/known_faults.py || failed=1
wait "$types" || failed=1
exit "$failed"
