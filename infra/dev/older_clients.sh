#!/usr/bin/env bash
# Lets SDK, agent and command line of an earlier commit work with this server: older_clients.sh COMMIT [pytest's arguments].
# The journeys are those of that commit, and so are the flows; the server and its migrations are of this tree.
set -euo pipefail
commit=${1:?name a commit, such as a release}
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
here=$PWD
older=$(mktemp -d -t headgate-older-XXXXXX)
trap 'git worktree remove --force "$older"' EXIT
git worktree add --quiet --detach "$older" "$commit"
cd "$older"

JOURNEYS=(runs agents carriers waiting pauses reruns run_deployment maps concurrency_limits background_tasks
  blocks secret_references code_from_git cli cli_schedules user_flows given_runs)
files=()
for name in "${JOURNEYS[@]}"; do
  if [ -f "tests/e2e/test_$name.py" ]; then files+=("tests/e2e/test_$name.py"); fi
done
if [ $# -gt 1 ]; then files=(); fi
# What a server does otherwise since then, on purpose, and a client need not know:
# - what is below a run that ended is ended by a loop, a moment later.
since=(--deselect tests/e2e/test_pauses.py::test_subflow_dies_with_the_run_that_is_killed_around_it)
echo "== the clients of $(git log -1 --format='%h of %as') with the server of $(git -C "$here" log -1 --format='%h of %as')" >&2
export PYTHONPATH=$older/client:$here/backend
"$here/.venv/bin/python" -c 'import headgate, headgate_server; print(headgate.__file__, headgate_server.__file__)' >&2
"$here/.venv/bin/python" -m pytest -q -n 2 "${since[@]}" "${files[@]}" "${@:2}"
