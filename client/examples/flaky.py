"""A task that fails at first: the engine tries again, and the run completes."""

from headgate import flow, get_run_logger, runtime, task


@task(retries=3, retry_delay_seconds=[0.2, 0.4, 0.8])
def fetch(failures: int) -> str:
    """Fail as often as told, then answer."""
    attempt = runtime.task_run.run_count
    if attempt <= failures:
        message = f"The far end hung up (attempt {attempt})"
        raise ConnectionError(message)
    return f"answered at attempt {attempt}"


@flow
def flaky(failures: int = 2) -> str:
    """Ask a far end that fails at first."""
    answer = fetch(failures)
    get_run_logger().info("The far end %s", answer)
    return answer


if __name__ == "__main__":
    flaky()
