"""Takes the names of people whose account is deleted out of what they made."""

from headgate_server.loops.loop import LoopContext
from headgate_server.loops.rounds import take
from headgate_server.services import erasures


async def run_once(context: LoopContext) -> int:
    """Go through what people made who are deleted; how many rows named one."""
    return await take(context, "erasures", erasures.erase_names(context.database))
