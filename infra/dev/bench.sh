#!/usr/bin/env bash
# Measures the product's figures, one JSON line each; with ONLY=name,… or arguments only those.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
infra/dev/web.sh
infra/dev/browser.sh
exec .venv/bin/python -m tests.load "$@"
