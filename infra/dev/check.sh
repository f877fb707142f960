#!/usr/bin/env bash
# Everything that says no without running the product: static checks and the house rules.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
infra/dev/static.sh
exec .venv/bin/python -m pytest -q tests/contracts
