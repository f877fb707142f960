"""Notifications: whoever is on call hears of a failure, with its reason, from a hook."""

import json
import urllib.request

from headgate import flow, task, wait


def tell(flow, run, state) -> None:
    """Post the failure to a webhook."""
    text = f"{flow.name} is {state.name}: {state.message}"
    request = urllib.request.Request(
        f"{run.parameters['site']}/hooks",
        data=json.dumps({"text": text}).encode(),
        headers={"content-type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=10):
        pass


@task
def read_invoice(number: int) -> float:
    """Refuse an invoice without an amount."""
    if number == 3:
        message = f"invoice {number} has no amount"
        raise ValueError(message)
    return 10.0 * number


@flow(on_failure=[tell])
def notify_failure(site: str) -> float:
    """Add up invoices, one of which is wrong."""
    invoices = read_invoice.map(range(5))
    wait(invoices)
    return sum(invoices.result())


if __name__ == "__main__":
    notify_failure("http://127.0.0.1:8000", return_state=True)
