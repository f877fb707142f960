"""A transaction: either all files are published or none; what was done is undone."""

from pathlib import Path

from headgate import flow, task, transaction


@task
def publish(name: str, text: str, folder: Path) -> Path:
    """Write one file."""
    file = folder / name
    file.write_text(text)
    return file


@publish.on_rollback
def take_back(txn) -> None:
    """Remove what was published."""
    for name in txn.get("names"):
        (txn.get("folder") / name).unlink(missing_ok=True)


@task
def check(files: list[Path]) -> None:
    """Refuse a file that is empty."""
    empty = [file.name for file in files if not file.read_text()]
    if empty:
        message = f"empty: {', '.join(empty)}"
        raise ValueError(message)


@flow
def publish_files(folder: Path) -> dict[str, list[str]]:
    """Publish a good set of files, and one that is not good enough."""
    public = folder / "public"
    public.mkdir(exist_ok=True)
    outcome: dict[str, list[str]] = {}
    sets = {"good": {"a.txt": "A", "b.txt": "B"}, "bad": {"c.txt": "C", "d.txt": ""}}
    for name, files in sets.items():
        try:
            with transaction() as txn:
                txn.set("names", list(files))
                txn.set("folder", public)
                check([publish(file, text, public) for file, text in files.items()])
        except ValueError as error:
            outcome[name] = [str(error)]
        else:
            outcome[name] = list(files)
    outcome["public"] = sorted(file.name for file in public.iterdir())
    return outcome


if __name__ == "__main__":
    publish_files(Path())
