#!/usr/bin/env bash
# Drafts a migration from the difference between the tables and the migrations so far.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
exec .venv/bin/python infra/dev/draft_migration.py "$@"
