"""Runs bandit: prints what it finds that no line excuses, and ends with 1 where there is any.

A line excuses what it knows by the same comment as for ruff, which has most of the rules under
numbers of its own: ``noqa: S603  why`` is for B603. What ruff does not have, ``nosec`` excuses.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
LOOKED_AT = ("backend/headgate_server", "client/headgate", "infra/dev")
_EXCUSE = re.compile(r"# noqa: ([A-Z0-9, ]+)")


def find_faults(paths: Sequence[str] = LOOKED_AT) -> list[str]:
    """Return what bandit finds in files and folders and no line excuses, as ``file:line: what``."""
    command = [sys.executable, "-m", "bandit", "--quiet", "--recursive", *paths]
    done = subprocess.run(  # noqa: S603  our own tool on our own files
        [*command, "--configfile", "pyproject.toml", "--format", "json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode > 1 or not done.stdout:
        return [f"bandit failed: {done.stderr}"]
    report = json.loads(done.stdout)
    failed = [f"{one['filename']}: {one['reason']}" for one in report["errors"]]
    return failed + [
        f"{one['filename']}:{one['line_number']}: {one['test_id']} {one['issue_text']}"
        for one in report["results"]
        if one["test_id"].replace("B", "S", 1) not in set(_excused(one))
    ]


def _excused(found: dict[str, Any]) -> Iterator[str]:
    lines = (ROOT / found["filename"]).read_text(encoding="utf-8").splitlines()
    first, *_, last = [found["line_number"], *found["line_range"]]
    for line in lines[min(found["line_range"]) - 1 : max(first, last)]:
        for excuse in _EXCUSE.findall(line):
            yield from (code.strip() for code in excuse.split(","))


if __name__ == "__main__":
    faults = find_faults()
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    sys.exit(1 if faults else 0)
