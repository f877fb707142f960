#!/usr/bin/env bash
# Measures the product's figures, one JSON line each; with ONLY=name,… or arguments only those.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
infra/dev/web.sh
infra/dev/browser.sh
# As an installed product has it; where PYTHONDONTWRITEBYTECODE is set, nothing else would make it.
.venv/bin/python -m compileall -q backend client
exec .venv/bin/python -m tests.load "$@"
