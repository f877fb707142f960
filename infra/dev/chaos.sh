#!/usr/bin/env bash
# Breaks whole worlds and judges what is left; with SEED=n the same choices, with ONLY=name,… a part.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
exec .venv/bin/python -m tests.chaos --seed "${SEED:-0}" --only "${ONLY:-}" "$@"
