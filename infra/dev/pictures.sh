#!/usr/bin/env bash
# Takes pictures of every page of the web application, from the demo: infra/dev/pictures.sh FOLDER [PAGE,…].
set -euo pipefail
kept=$(realpath -m "${1:?name a folder for the pictures}")
cd "$(dirname "$0")/../.."
infra/dev/setup.sh
infra/dev/web.sh
infra/dev/browser.sh
exec .venv/bin/python -m tests.e2e.pictures "$kept" "${@:2}"
