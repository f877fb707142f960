#!/usr/bin/env bash
# Lists the targets of the Makefile with their comments.
set -euo pipefail
cd "$(dirname "$0")/../.."
sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20
