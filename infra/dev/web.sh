#!/usr/bin/env bash
# Builds the web application into the server's distribution; quick when nothing changed.
set -euo pipefail
cd "$(dirname "$0")/../.."

BUILT=backend/headgate_server/http/app_files
STAMP=frontend/node_modules/.headgate-stamp

if ! node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 20 ? 1 : 0)' 2> /dev/null; then
  echo "The web application needs Node 20 or newer: apt-get install nodejs npm, or https://nodejs.org." >&2
  exit 1
fi
installed=$({ cat frontend/package-lock.json frontend/.npmrc; pwd; } | cksum)
if [ "$(cat "$STAMP" 2> /dev/null)" != "$installed" ]; then
  echo "Installing the web application's packages ..." >&2
  npm ci --prefix frontend --no-progress --loglevel=error >&2
  echo "$installed" > "$STAMP"
fi
sources=$({ cat backend/schema.graphql "$STAMP"; find frontend -path frontend/node_modules -prune -o -path frontend/src/generated -prune -o -type f -print0 | sort -z | xargs -0 cat; } | cksum)
if [ -f "$BUILT/index.html" ] && [ "$(cat frontend/node_modules/.headgate-built 2> /dev/null)" = "$sources" ]; then exit 0; fi
echo "Building the web application ..." >&2
npm run --prefix frontend --silent build >&2
echo "$sources" > frontend/node_modules/.headgate-built
