"""Retries: an API that fails now and then is asked again, but not where asking again is no use."""

import json
import urllib.error
import urllib.request
from typing import Any

from headgate import exponential_backoff, flow, task


def is_worth_another_try(task: Any, run: Any, state: Any) -> bool:
    """Say no where the API says that the question is wrong."""
    try:
        state.result()
    except urllib.error.HTTPError as error:
        return error.code >= 500
    except OSError:
        return True
    return False


@task(
    retries=4,
    retry_delay_seconds=exponential_backoff(backoff_factor=0.01),
    retry_jitter_factor=0.5,
    retry_condition_fn=is_worth_another_try,
)
def ask(site: str, path: str) -> dict[str, int]:
    """Return the API's answer."""
    try:
        with urllib.request.urlopen(site + path, timeout=10) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        error.close()
        raise


@flow
def call_flaky_api(site: str) -> dict[str, Any]:
    """Ask a flaky end, and one that is not there."""
    answer = ask(site, "/flaky?failures=2")
    missing = ask(site, "/missing", return_state=True)
    return {"asked": answer["asked"], "missing": missing.message}


if __name__ == "__main__":
    call_flaky_api("http://127.0.0.1:8000")
