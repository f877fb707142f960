#!/usr/bin/env bash
# Checks the code against rules of our own, which no other tool has; says nothing where none is broken.
set -euo pipefail
cd "$(dirname "$0")/../.."
notes=$(mktemp -d)
trap 'rm -rf "$notes"' EXIT
export SEMGREP_SETTINGS_FILE=$notes/settings.yml SEMGREP_LOG_FILE=$notes/log
if [ $# -eq 0 ]; then set -- --error --quiet backend client infra; fi
# The system's own git may refuse a tree of another owner: which files there are is asked of the tree.
"${SEMGREP:-.venv/bin/semgrep}" scan --config infra/dev/rules.yaml --metrics off --disable-version-check --no-git-ignore --jobs 2 \
  --exclude .venv --exclude versions "$@"
