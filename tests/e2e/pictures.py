"""Pictures of every page, from the demo: ``python -m tests.e2e.pictures FOLDER [PAGE,…]``."""

import shutil
import sys
import tempfile
from pathlib import Path

from tests.e2e.journeys import Journeys

DEMO = 0.1
SECONDS = 1200.0


def main(arguments: list[str]) -> int:
    """Put a picture of each page in each look into the folder; 2 where none was named."""
    if not arguments:
        sys.stderr.write("Name a folder for the pictures, and pages where not all are wanted.\n")
        return 2
    kept = Path(arguments[0])
    kept.mkdir(parents=True, exist_ok=True)
    variables = {"HEADGATE_PAGES": arguments[1]} if len(arguments) > 1 else {}
    with tempfile.TemporaryDirectory(prefix="headgate-pictures-") as folder:
        pictures = Journeys(
            Path(folder),
            files="journeys/**/*.pictures.ts",
            demo=DEMO,
            seconds=SECONDS,
            variables=variables,
        )
        pictures.run()
        for picture in sorted(Path(folder).glob("*.png")):
            shutil.move(picture, kept / picture.name)
            sys.stdout.write(f"{kept / picture.name}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
