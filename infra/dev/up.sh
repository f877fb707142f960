#!/usr/bin/env bash
# The server on this machine, with Postgres and Redis of its own; Ctrl-C stops all of it.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
infra/dev/web.sh
exec .venv/bin/python -m headgate_server dev "$@"
