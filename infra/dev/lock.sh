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

# npm writes where to pay for a package into its lock: addresses, and none of them needed.
cd frontend
npm install --package-lock-only --no-progress --loglevel=error
node --input-type=module --eval '
  import { readFileSync, writeFileSync } from "node:fs";
  const lock = JSON.parse(readFileSync("package-lock.json", "utf8"));
  for (const entry of Object.values(lock.packages)) delete entry.funding;
  writeFileSync("package-lock.json", JSON.stringify(lock, null, 2) + "\n");'
