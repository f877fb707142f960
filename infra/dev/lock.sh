#!/usr/bin/env bash
# Writes the universal, hash-pinned lock of every Python dependency, with no address in it.
set -euo pipefail
cd "$(dirname "$0")/../.."
[ -x .venv/bin/python ] || "${PYTHON:-python3}" -m venv .venv
[ -x .venv/bin/uv ] || .venv/bin/python -m pip install --quiet uv
.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-header --group pyproject.toml:dev --extra aws --extra azure --extra fsspec --extra gcp --extra notifications \
  --extra sqlalchemy --extra otel --no-emit-package headgate --no-emit-package headgate-server \
  backend/pyproject.toml client/pyproject.toml "$@" -o infra/dev/requirements.lock
