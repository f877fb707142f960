"""Print what a shell must export to talk to the server that ``dev.json`` describes."""

import json
import shlex
import sys
from pathlib import Path


def exports(profile: dict[str, str]) -> dict[str, str]:
    """Return the SDK's environment for the server of ``profile``."""
    return {
        "HEADGATE_API_URL": profile["url"],
        "HEADGATE_API_KEY": profile["api_key"],
        "HEADGATE_WORKSPACE": f"{profile['organization']}/{profile['workspace']}",
    }


if __name__ == "__main__":
    for name, value in exports(json.loads(Path(sys.argv[1]).read_text())).items():
        sys.stdout.write(f"export {name}={shlex.quote(value)}\n")
