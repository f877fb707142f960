#!/usr/bin/env bash
# Makes .venv hold exactly what the lock names, and both distributions in editable form. Quick when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

LOCK=infra/dev/requirements.lock

is_new_enough() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
  local candidate found
  for candidate in ${PYTHON:+"$PYTHON"} python3 python3.14 python3.13 python3.12 python3.11; do
    if is_new_enough "$candidate"; then
      echo "$candidate"
      return
    fi
    if [ -n "${PYTHON:-}" ]; then break; fi
  done
  candidate=${PYTHON:-python3}
  if command -v "$candidate" > /dev/null; then found="$candidate is $("$candidate" --version 2>&1 || true)"; else found="there is no $candidate"; fi
  echo "Headgate needs Python 3.11 or newer; $found." >&2
  echo "Install one, or name it: PYTHON=/path/to/python3.11 make test" >&2
  return 1
}

# Without bytecode every process of every test would compile what it loads anew where
# PYTHONDONTWRITEBYTECODE is set, and take twice as long to start.
compile_own() { .venv/bin/python -m compileall -q backend/headgate_server client/headgate; }

stamp=$({ cat "$LOCK" backend/pyproject.toml client/pyproject.toml infra/dev/setup.sh; pwd; } | cksum)
if [ -x .venv/bin/python ] && [ "$(cat .venv/.stamp 2>/dev/null)" = "$stamp" ]; then
  compile_own
  exit 0
fi

python=$(find_python)
if ! is_new_enough .venv/bin/python || [ ! -x .venv/bin/uv ] || ! .venv/bin/uv --version > /dev/null 2>&1; then
  "$python" -m venv --clear .venv
  .venv/bin/python -m pip install --quiet --disable-pip-version-check "$(grep -o '^uv==[^ ]*' "$LOCK")"
fi
echo "Installing dependencies from $LOCK ..." >&2
.venv/bin/uv pip sync --quiet --compile-bytecode --python .venv/bin/python --require-hashes "$LOCK"
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e ./backend -e ./client
echo "$stamp" > .venv/.stamp
compile_own
