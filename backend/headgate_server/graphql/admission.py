"""What an operation waits for long ends with the credential of its caller."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

from headgate_server.graphql.context import OperationContext

T = TypeVar("T")


async def while_admitted(context: OperationContext, waiting: Awaitable[T]) -> T:
    """Return what is waited for, for as long as the caller is let in.

    Raises:
        HeadgateError: why the caller is no more, as soon as that is so.
    """
    if context.until_refused is None:
        return await waiting
    wait, refused = asyncio.ensure_future(waiting), asyncio.ensure_future(context.until_refused())
    try:
        await asyncio.wait({wait, refused}, return_when=asyncio.FIRST_COMPLETED)
        if wait.done():
            return wait.result()
        raise refused.result()
    finally:
        wait.cancel()
        refused.cancel()
        await asyncio.wait({wait, refused})
