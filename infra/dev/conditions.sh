#!/usr/bin/env bash
# Runs the tests of real processes under each condition of the field; with ONLY=name only that one.
# PgBouncer and nginx come from the system's packages.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
infra/dev/web.sh
infra/dev/browser.sh
export PATH="$PATH:/usr/sbin"

need() {
  command -v "$1" >/dev/null && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    apt-get update -q >&2 && apt-get install -y -q "$1" >&2
  else
    echo "conditions: install $1 first: it is not on this machine" >&2
    exit 1
  fi
}

failed=()
for condition in ${ONLY:-tls pgbouncer redis-password nginx together}; do
  case $condition in
  pgbouncer | nginx) need "$condition" ;;
  together) need pgbouncer && need nginx ;;
  esac
  echo "== under $condition"
  HEADGATE_TEST_CONDITION=$condition .venv/bin/python -m pytest -q -n 2 \
    tests/e2e tests/chaos/test_agents.py tests/chaos/test_deploys.py "$@" || failed+=("$condition")
done
if [ ${#failed[@]} -gt 0 ]; then
  echo "conditions: failed under ${failed[*]}" >&2
  exit 1
fi
