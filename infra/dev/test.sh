#!/usr/bin/env bash
# Everything CI runs. With arguments: only the tests they choose, without the static checks.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
if [ $# -gt 0 ]; then exec .venv/bin/python -m pytest "$@"; fi
infra/dev/web.sh
infra/dev/browser.sh
infra/dev/static.sh
npm run --prefix frontend --silent check
npm test --prefix frontend --silent
# Many tests wait for processes: three at a time keep two cores at work. Each takes a third of the
# list, so that those of processes run beside those of code, and helps the others at the end.
exec .venv/bin/python -m pytest -n 3 --dist worksteal
