#!/usr/bin/env bash
# Writes backend/schema.graphql from the code; a failure leaves the old file as it was.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
schema=$(.venv/bin/python -m headgate_server schema)
printf '%s\n' "$schema" > backend/schema.graphql
