#!/usr/bin/env bash
# Sees to it that there is a Chromium for the journeys; where nobody may install one, they say how.
set -euo pipefail
for name in chromium chromium-browser google-chrome; do
  if command -v "$name" > /dev/null; then exit 0; fi
done
if [ "$(id -u)" != 0 ] || ! command -v apt-get > /dev/null; then exit 0; fi
echo "Installing Chromium for the journeys ..." >&2
apt-get update -qq >&2
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >&2
