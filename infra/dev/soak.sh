#!/usr/bin/env bash
# Breaks everything at random, world after world, for HOURS (24), and stops at the first violation.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
exec .venv/bin/python -m tests.chaos --seed "${SEED:-0}" --hours "${HOURS:-24}" "$@"
