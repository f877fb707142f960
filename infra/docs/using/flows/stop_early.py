"""Cancellation: a run that ends itself, or is cancelled by somebody, cleans up after itself."""

from pathlib import Path

from headgate import flow, get_run_logger, task
from headgate.states import Cancelled


def clean_up(flow, run, state) -> None:
    """Remove what the run left, whoever cancelled it."""
    get_run_logger().info("Cleaning up after %s: %s", run.name, state.message)
    folder = run.parameters["folder"]
    for file in folder.glob("part-*"):
        file.unlink()
    (folder / "cleaned").touch()


@task
def write_part(number: int, folder: Path) -> int:
    """Write a part, and return what is left of the allowance."""
    (folder / f"part-{number}").write_text("x" * 100)
    return 250 - sum(file.stat().st_size for file in folder.glob("part-*"))


@flow(on_cancellation=[clean_up])
def stop_early(folder: Path, parts: int = 10):
    """Write parts until there is no more room for them."""
    for number in range(parts):
        if write_part(number, folder) < 0:
            return Cancelled(message=f"There is no room for part {number}")
    return None


if __name__ == "__main__":
    stop_early(Path(), return_state=True)
