"""Delivers what earlier processes on this machine left on disk when the server stayed away."""

import logging
from pathlib import Path

from headgate.api.transport import Transport
from headgate.errors import ApiError, RetryableApiError
from headgate.reporting.sender import Sender
from headgate.reporting.spool import leftovers, remove_file, taken_over

logger = logging.getLogger("headgate.reporting")

DEADLINE_SECONDS = 5.0


async def replay_leftovers(home: Path) -> int:
    """Send every file that no living process holds, and remove it; return how many were sent.

    Stops at the first sign that the server is away. A batch that the server will never take, as
    of a run whose lease is gone, is logged and left out.
    """
    sent = 0
    for path in leftovers(home):
        if await _replay(path):
            sent += 1
    return sent


async def _replay(path: Path) -> bool:
    with taken_over(path) as contents:
        if contents is None:
            return False
        header, batches = contents
        transport = Transport(header.url, header.token)
        sender = Sender(transport, header.lease)
        try:
            for batch in batches:
                try:
                    await sender.send(batch, deadline_seconds=DEADLINE_SECONDS)
                except RetryableApiError:
                    return False
                except ApiError as error:
                    logger.warning(
                        "A report of run %s came too late: %s", header.lease.run_id, error
                    )
        finally:
            await transport.close()
        remove_file(path)
        return True
