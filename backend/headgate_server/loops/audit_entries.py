"""Seals audit entries within seconds, and signs the chains every few minutes."""

from headgate_server.loops.loop import LoopContext
from headgate_server.services.audit_entries import checkpoints, seal


async def run_once(context: LoopContext) -> int:
    """Seal what waits, and sign what has grown; how many entries and checkpoints there were."""
    done = await seal.seal_waiting(context.database)
    if context.notary is not None:
        done += await checkpoints.sign_grown(context.database, context.notary)
    return done
