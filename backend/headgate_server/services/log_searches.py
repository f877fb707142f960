"""Searching the logs of a workspace, the latest lines first."""

from headgate_server.database.work import UnitOfWork
from headgate_server.domain.log_searches import LogPlace, LogSearch, check_search
from headgate_server.domain.logs import LogLine
from headgate_server.domain.pagination import MAX_LOG_PAGE_SIZE, Page, PageRequest
from headgate_server.repositories import log_chunks
from headgate_server.repositories.log_chunks import LogChunk

FIRST_CHUNKS, MOST_CHUNKS = 8, 256


def place_of(line: LogLine) -> LogPlace:
    """Return where a line is among all: what the pages of a search are ordered by."""
    return line.timestamp, line.flow_run_id, line.sequence


async def search_lines(work: UnitOfWork, search: LogSearch, *, page: PageRequest) -> Page[LogLine]:
    """Return a page of the lines that are sought, the latest first; forward only.

    Chunks that may hold such lines are looked into from the latest on, until no other can hold a
    later line than those found. Lines in no chunk yet are looked at first: one that gets into a
    chunk meanwhile is found twice, never not at all.

    Raises:
        InvalidInput: an over-long text.
    """
    check_search(search)
    behind: LogPlace | None = page.key if page.key is None else (page.key[0], *page.key[1:])
    wanted = page.size + 1
    found = {
        place_of(line): line
        for line in await log_chunks.search_unchunked(work, search, behind=behind, most=wanted)
    }
    until = behind[0] if behind else search.until
    after: LogChunk | None = None
    most = FIRST_CHUNKS
    while True:
        chunks = await log_chunks.find_chunks(work, search, until=until, after=after, most=most)
        if chunks:
            lines = await log_chunks.search_chunks(work, search, chunks, behind=behind, most=wanted)
            found |= {place_of(line): line for line in lines}
        is_all = len(chunks) < most
        sure = sorted(
            (place for place in found if is_all or place[0] > chunks[-1].last_at), reverse=True
        )
        if is_all or len(sure) >= wanted:
            break
        after, most = chunks[-1], min(most * 2, MOST_CHUNKS)
    items = [found[place] for place in sure[: page.size]]
    return Page(items, has_next=len(sure) > page.size, has_previous=behind is not None)


async def count_lines(work: UnitOfWork, search: LogSearch, *, cap: int) -> int:
    """Return how many lines are sought, up to ``cap + 1``."""
    counted, key = 0, None
    while counted <= cap:
        request = PageRequest(size=MAX_LOG_PAGE_SIZE, key=key)
        page = await search_lines(work, search, page=request)
        counted += len(page.items)
        if not page.has_next:
            break
        key = place_of(page.items[-1])
    return min(counted, cap + 1)
