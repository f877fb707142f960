"""What scenarios that are commands share: a folder that goes with them, and a line at their end."""

import json
import shutil
import sys
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def own_folder(name: str) -> Generator[Path]:
    """Give a scenario a folder that every user may read; it goes whatever happens in it."""
    folder = Path(tempfile.mkdtemp(prefix=f"headgate-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def tell(name: str, found: dict[str, Any], *, is_well: bool, **given: object) -> int:
    """Print what a scenario found as one line of JSON; 0 where every promise was kept, else 1."""
    line = {"scenario": name, **given, **found, "is_well": is_well}
    sys.stdout.write(json.dumps(line) + "\n")
    return 0 if is_well else 1
