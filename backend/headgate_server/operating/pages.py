"""Lists of the installation, page after page."""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

from headgate_server.database.work import Database, UnitOfWork
from headgate_server.domain.pagination import MAX_PAGE_SIZE, Page, PageRequest

T = TypeVar("T")


class ReadPage(Protocol[T]):
    """Reads pages of something."""

    async def __call__(self, work: UnitOfWork, *, page: PageRequest) -> Page[T]:
        """Return one page."""
        ...


async def list_all(
    database: Database, read: ReadPage[T], *, key: Callable[[T], tuple[Any, ...]]
) -> list[T]:
    """Return every row in the order of its pages, each read in a unit of work of its own.

    Args:
        database: opens the units of work.
        read: reads a page.
        key: tells where the page after a row begins.
    """
    rows: list[T] = []
    page = PageRequest(size=MAX_PAGE_SIZE)
    while True:
        async with database.system() as work:
            found = await read(work, page=page)
        rows += found.items
        if not found.has_next:
            return rows
        page = PageRequest(size=MAX_PAGE_SIZE, key=key(found.items[-1]))
