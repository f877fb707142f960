"""Print what a shell must export to talk to the demo's server; fail until the server is ready."""

import json
import os
import shlex
import sys
import urllib.error
import urllib.request
from pathlib import Path

ANSWER_SECONDS = 5


def main() -> int:
    """Read ``dev.json`` of the demo's data directory and ask the server whether it is ready."""
    profile = json.loads((Path(os.environ["HEADGATE_DATA_DIR"]) / "dev.json").read_text())
    try:
        with urllib.request.urlopen(f"{profile['url']}/healthz/ready", timeout=ANSWER_SECONDS):  # noqa: S310 - our own server
            pass
    except (urllib.error.URLError, TimeoutError):
        return 1
    exports = {
        "HEADGATE_API_URL": profile["url"],
        "HEADGATE_API_KEY": profile["api_key"],
        "HEADGATE_WORKSPACE": f"{profile['organization']}/{profile['workspace']}",
    }
    for name, value in exports.items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
