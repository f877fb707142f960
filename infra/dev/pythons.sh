#!/usr/bin/env bash
# Runs the client's tests on every other Python of this machine, or those that PYTHONS names, each in an environment of its own.
set -euo pipefail
cd "$(dirname "$0")/../.."
./infra/dev/setup.sh

find_python() {
  local candidate
  for candidate in "python$1" "$HOME/.pyenv/versions/$1".*/bin/python; do
    if "$candidate" -c 'import sys' 2> /dev/null; then
      command -v "$candidate"
      return
    fi
  done
  return 1
}

status=0
for version in ${PYTHONS:-3.12 3.13 3.14}; do
  python=$(find_python "$version") || { echo "No Python $version here." >&2; continue; }
  place=.venv/pythons/$version
  stamp=$({ cat infra/dev/requirements.lock backend/pyproject.toml client/pyproject.toml; echo "$python"; } | cksum)
  if [ "$(cat "$place/.stamp" 2>/dev/null)" != "$stamp" ]; then
    echo "Installing dependencies for Python $version ..." >&2
    .venv/bin/uv venv --quiet --clear --python "$python" "$place"
    .venv/bin/uv pip sync --quiet --python "$place/bin/python" --require-hashes infra/dev/requirements.lock
    .venv/bin/uv pip install --quiet --python "$place/bin/python" --no-deps --no-build-isolation -e ./backend -e ./client
    echo "$stamp" > "$place/.stamp"
  fi
  echo "Python $version" >&2
  "$place/bin/python" -m pytest tests/client -q "$@" || status=1
done
exit $status
