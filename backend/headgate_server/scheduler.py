"""The process that runs the background loops; it loads nothing of the API."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from headgate_server.core import Core, end_task
from headgate_server.loops.loop import LoopContext
from headgate_server.loops.registry import LOOPS
from headgate_server.loops.supervisor import Supervisor
from headgate_server.services.audit_entries.checkpoints import notary_of

SCHEDULER = "scheduler"


async def serve_scheduler(core: Core, *, until: Awaitable[Any]) -> None:
    """Run the loops until ``until`` is done."""
    timers = core.settings.timers
    context = LoopContext(
        database=core.database,
        bus=core.bus,
        timers=timers,
        instruments=core.instruments,
        tracer=core.tracer,
        notary=notary_of(core.settings),
        vitals=core.vitals,
    )
    supervisor = Supervisor(
        context,
        LOOPS,
        redis_url=core.settings.redis_url,
        prefix=core.settings.redis_prefix,
        on_round=core.vitals.expect(SCHEDULER, within_seconds=timers.silence_seconds),
    )
    running = asyncio.create_task(supervisor.run(), name="supervisor")
    stopping = asyncio.ensure_future(until)
    try:
        await asyncio.wait({running, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if running.done():
            running.result()
    finally:
        stopping.cancel()
        core.vitals.forget(SCHEDULER)
        await end_task(running)
