#!/usr/bin/env bash
# A server, an agent and example flows, run and followed live; Ctrl-C ends it, ONCE=1 checks it and ends it.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
infra/dev/web.sh
if [ "${ONCE:-}" = 1 ]; then set -- --once "$@"; fi
exec .venv/bin/python infra/dev/demo.py "$@"
