#!/usr/bin/env bash
# A server, an agent and an example flow, ready to look at; Ctrl-C ends all of it and keeps the data.
set -euo pipefail
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
export HEADGATE_DATA_DIR=${HEADGATE_DATA_DIR:-$PWD/.headgate/demo}
READY_SECONDS=60

pids=()
stop() {
  trap - EXIT INT TERM
  for pid in "${pids[@]}"; do # the agent first: it hands its runs back to the server
    kill -TERM "$pid" 2> /dev/null || true
    wait "$pid" 2> /dev/null || true
  done
}
trap stop EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

rm -f "$HEADGATE_DATA_DIR/dev.json"
.venv/bin/python -m headgate_server dev &
server=$!
pids=("$server")
until [ -s "$HEADGATE_DATA_DIR/dev.json" ] && exports=$(.venv/bin/python infra/dev/demo_profile.py); do
  kill -0 "$server" 2> /dev/null || { echo "The server did not start; its words are above." >&2; exit 1; }
  if [ "$SECONDS" -gt "$READY_SECONDS" ]; then echo "The server is not ready after $READY_SECONDS s." >&2; exit 1; fi
  sleep 0.2
done
eval "$exports"

.venv/bin/headgate agent start --pool default &
pids=("$!" "$server")
.venv/bin/python client/examples/hello.py

echo
echo "The run is recorded at $HEADGATE_API_URL as workspace $HEADGATE_WORKSPACE; an agent waits in pool default."
echo "Its API key is in $HEADGATE_DATA_DIR/dev.json. Ctrl-C ends the demo."
wait "$server"
