#!/usr/bin/env bash
# Makes .venv hold exactly what the lock names, and both distributions in editable form. Quick when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

PYTHON=${PYTHON:-python3}
LOCK=infra/dev/requirements.lock
"$PYTHON" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || {
  echo "Headgate needs Python 3.11 or newer; $("$PYTHON" --version) found. Set PYTHON=/path/to/python3.11." >&2
  exit 1
}
stamp=$(cat "$LOCK" backend/pyproject.toml client/pyproject.toml | cksum)
if [ -f .venv/.stamp ] && [ "$(cat .venv/.stamp)" = "$stamp" ]; then exit 0; fi
[ -x .venv/bin/python ] || "$PYTHON" -m venv .venv
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet uv
echo "Installing dependencies from $LOCK ..." >&2
.venv/bin/uv pip sync --quiet --python .venv/bin/python --require-hashes "$LOCK"
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e backend -e client
echo "$stamp" > .venv/.stamp
