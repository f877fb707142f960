"""Seals audit entries within seconds, and signs the chains every few minutes."""

from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take
from headgate_server.services.audit_entries import checkpoints, seal

NAME = "audit_entries"
SEAL_SECONDS = 10.0
"""After that the chains are signed as they stand: however much is written, that is not left out."""


async def run_once(context: LoopContext) -> int:
    """Seal what waits, and sign what has grown; how many entries and checkpoints there were."""
    sealing = seal.iter_sealed(context.database)
    done = await take(context, NAME, sealing, seconds=SEAL_SECONDS)
    if context.notary is not None:
        signing = checkpoints.iter_signed(context.database, context.notary)
        done += await take(context, NAME, signing)
    return done
