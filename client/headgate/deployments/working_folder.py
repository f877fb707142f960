"""The folder that a run works in, and imports its flow from."""

import os
import sys
from pathlib import Path

from headgate.errors import EntrypointError


def set_working_directory(directory: str) -> dict[str, str]:
    """Work in a folder of this machine, and import from it.

    Raises:
        EntrypointError: there is no such folder here.
    """
    path = Path(directory)
    if not path.is_dir():
        message = (
            f"There is no folder {directory} on this machine: the flow was deployed from local "
            "code, so its agent must run where that code is"
        )
        raise EntrypointError(message)
    os.chdir(path)
    if directory not in sys.path:
        sys.path.insert(0, directory)
    return {"directory": directory}
