#!/usr/bin/env bash
# A server, an agent and an example flow, ready to look at; Ctrl-C ends all of it and keeps the data.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
export HEADGATE_DATA_DIR=${HEADGATE_DATA_DIR:-$PWD/.headgate/demo}
READY_SECONDS=60

server=
before=$(mktemp)
stop() {
  trap - EXIT INT TERM
  rm -f "$before"
  if [ -n "$server" ]; then
    kill -TERM "$server" 2> /dev/null || true
    wait "$server" 2> /dev/null || true
  fi
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

.venv/bin/python -m headgate_server dev &
server=$!
# The server writes the file once it answers; one that is older is of an earlier start.
until [ "$HEADGATE_DATA_DIR/dev.json" -nt "$before" ]; do
  kill -0 "$server" 2> /dev/null || { echo "The server did not start; its words are above." >&2; exit 1; }
  if [ "$SECONDS" -gt "$READY_SECONDS" ]; then echo "The server is not ready after $READY_SECONDS s." >&2; exit 1; fi
  sleep 0.2
done
exports=$(.venv/bin/python infra/dev/demo_profile.py "$HEADGATE_DATA_DIR/dev.json")
eval "$exports"

.venv/bin/python client/examples/hello.py

echo
echo "The run is recorded at $HEADGATE_API_URL in workspace $HEADGATE_WORKSPACE. Ctrl-C ends the demo."
wait "$server"
