"""Forgets idempotency keys, login sessions, tokens of mails, logins and slots past their time."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services import cli_logins, concurrency_limits, login_sessions, upkeep


async def run_once(context: LoopContext) -> int:
    """Delete what is expired; how many there were.

    While no API serves, nobody can renew slots, and none are.
    """
    async with context.database.system() as work:
        ended = await login_sessions.delete_ended(work) + await cli_logins.delete_ended(work)
        if await upkeep.is_served(work, grace=context.timers.outage_grace):
            ended += await concurrency_limits.delete_lapsed(work)
        return ended + await upkeep.delete_expired_keys(work)
