"""A person decides: the run waits, with its process, until somebody fills in a form."""

from headgate import flow, get_run_logger, pause_flow_run, task
from headgate.input import RunInput


class Approval(RunInput):
    """What whoever answers is asked."""

    is_approved: bool
    note: str = ""


@task
def build() -> str:
    """Return the version to release."""
    return "2.4.0"


@task
def publish(version: str, note: str) -> str:
    """Publish a version."""
    get_run_logger().info("Publishing %s: %s", version, note)
    return f"{version} is published"


@flow
def approve_release() -> str:
    """Build a version, ask, and publish it if somebody says yes."""
    version = build()
    answer = pause_flow_run(
        wait_for_input=Approval.with_initial_data(
            description=f"**{version}** is built. Publish it?", note="all checks passed"
        ),
        timeout=3600,
        key="release",
    )
    return publish(version, answer.note) if answer.is_approved else f"{version} is put aside"


if __name__ == "__main__":
    approve_release()
