"""An incremental load: a variable says how far the last run came, a secret lets this one in."""

import json
import urllib.request

from headgate import flow, get_run_logger, task
from headgate.blocks.system import Secret
from headgate.variables import Variable


@task(retries=2, retry_delay_seconds=1)
def read_changes(site: str, since: int) -> list[dict[str, int]]:
    """Return what changed since a version."""
    key = Secret.load("shop-key").get()
    request = urllib.request.Request(
        f"{site}/changes?since={since}", headers={"authorization": f"Bearer {key}"}
    )
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


@task
def apply_changes(changes: list[dict[str, int]]) -> int:
    """Do what is to be done, and return the version that this leads to."""
    get_run_logger().info("Applying %d changes", len(changes))
    return max(change["version"] for change in changes)


@flow
def load_changes(site: str, watermark: str = "shop_version") -> int:
    """Take over what is new, and remember how far that was."""
    since = Variable.get(watermark, default=0)
    changes = read_changes(site, since)
    if not changes:
        return since
    version = apply_changes(changes)
    Variable.set(watermark, version, overwrite=True)
    return version


if __name__ == "__main__":
    load_changes("http://127.0.0.1:8000")
