"""The smallest flow worth a schedule: says that it ran."""

from headgate import flow, get_run_logger, runtime, task


@task
def beat(source: str) -> None:
    """Leave a line in the log."""
    get_run_logger().info("Beat of %s, run %s", source, runtime.flow_run.name)


@flow
def heartbeat(source: str = "the demo") -> None:
    """Beat once."""
    beat(source)


if __name__ == "__main__":
    heartbeat()
