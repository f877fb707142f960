"""Deletions over the API: runs, flows, deployments, pools and queues, each by its id."""

from typing import Literal

from headgate.api.calls import change
from headgate.api.transport import Transport

NOUN = "deletions"

Deletable = Literal["FlowRun", "Flow", "Deployment", "WorkPool", "WorkQueue"]


async def delete(transport: Transport, *, kind: Deletable, id_: str) -> None:
    """Delete one object.

    Raises:
        ConflictError: live runs or deployments still need it.
        NotFoundError: there is none, or this key may not see it.
    """
    await change(transport, NOUN, f"{kind}Delete", input={"id": id_})
