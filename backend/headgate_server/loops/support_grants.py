"""Tells organizations of support that has ended by itself, and of what it leaves behind."""

from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take_batches
from headgate_server.services import support_grants


async def run_once(context: LoopContext) -> int:
    """Write the ends of grants into the audit logs; how many there were."""
    return await take_batches(
        context,
        "support_grants",
        support_grants.settle_expired,
        full=support_grants.SETTLED_AT_ONCE,
    )
