"""Suspension: the run leaves its process for as long as it takes somebody to answer."""

from pathlib import Path

from headgate import flow, suspend_flow_run, task
from headgate.input import RunInput


class Contract(RunInput):
    """What the customer is asked."""

    plan: str
    seats: int = 1


@task
def open_account(folder: Path) -> str:
    """Do once what must not be done twice."""
    with (folder / "accounts").open("a") as file:
        file.write("account-1\n")
    return "account-1"


@task
def activate(account: str, plan: str, seats: int) -> str:
    """Switch the account on."""
    return f"{account}: {plan} for {seats}"


@flow
def onboard_customer(folder: Path) -> str:
    """Open an account, wait for the contract, and go on; the account is not opened again."""
    account = open_account(folder)
    contract = suspend_flow_run(wait_for_input=Contract, timeout=86400, key="contract")
    return activate(account, contract.plan, contract.seats)


if __name__ == "__main__":
    onboard_customer(Path())
