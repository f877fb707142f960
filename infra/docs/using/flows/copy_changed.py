"""As they come: files are compared side by side, and copied as soon as each comparison is done."""

import hashlib
import shutil
from pathlib import Path

from headgate import as_completed, flow, task


@task(task_run_name="compare {name}")
def compare(name: str, source: Path, target: Path) -> tuple[str, bool]:
    """Say whether a file is to be copied."""
    copy = target / name
    is_same = copy.exists() and digest(copy) == digest(source / name)
    return name, not is_same


@task(task_run_name="copy {name}")
def copy(name: str, source: Path, target: Path) -> str:
    """Copy one file."""
    shutil.copy2(source / name, target / name)
    return name


def digest(file: Path) -> str:
    """Return what tells one content from another."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


@flow
def copy_changed(folder: Path) -> list[str]:
    """Copy what is new or changed, and return its names."""
    source, target = folder / "source", folder / "target"
    for place in (source, target):
        place.mkdir(exist_ok=True)
    for name in ("a", "b", "c"):
        (source / name).write_text(f"{name} is new")
    (target / "b").write_text("b is new")
    compared = [compare.submit(name, source, target) for name in ("a", "b", "c")]
    copied = [
        copy.submit(name, source, target)
        for name, is_changed in (future.result() for future in as_completed(compared))
        if is_changed
    ]
    return sorted(future.result() for future in copied)


if __name__ == "__main__":
    copy_changed(Path())
