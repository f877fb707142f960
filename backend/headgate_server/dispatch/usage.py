"""What organizations use of a replica: counted here, written down every second, held to quotas.

Nothing is asked of the database on the way: a replica knows what was used as of its last look, and
what it granted since. So a quota may be exceeded by what the other replicas grant between two of
their looks, and by what an organization does before this replica has looked at it for the first
time. A replica that is killed forgets what it has not written down: a second's worth at most.
"""

import asyncio
import logging
from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from headgate_server.database.work import Database
from headgate_server.domain.clock import SystemClock
from headgate_server.domain.errors import HeadgateError
from headgate_server.domain.quotas import Quota, QuotaKind, Standing, Usage, day_of
from headgate_server.services import quotas

logger = logging.getLogger(__name__)

LOOK_SECONDS = 1.0
MOST_ORGANIZATIONS = 10_000


class UsageBook:
    """Counts what organizations use of this replica, and knows who has used up a quota."""

    def __init__(self, *, read_now: Callable[[], datetime] | None = None) -> None:
        """Begin an empty book.

        Args:
            read_now: tells when quotas start anew; tests turn the time with it.
        """
        self.read_now = read_now or SystemClock().now
        self._unwritten: dict[UUID, Usage] = {}
        self._since: dict[UUID, Usage] = {}
        self._standings: dict[UUID, tuple[datetime, Standing]] = {}

    def note(self, organization_id: UUID, usage: Usage) -> None:
        """Count what an organization used."""
        for counts in (self._unwritten, self._since):
            counts[organization_id] = counts.get(organization_id, Usage.ZERO).plus(usage)

    def note_active(self, organization_id: UUID) -> None:
        """Have an organization looked at with the next look."""
        self._unwritten.setdefault(organization_id, Usage.ZERO)

    def over(self, organization_id: UUID, kinds: frozenset[QuotaKind]) -> Quota | None:
        """Return the quota that an organization has used up, as far as this replica knows."""
        known = self._standings.get(organization_id)
        if known is None:
            return None
        read_at, standing = known
        now = self.read_now()
        if day_of(now) != day_of(read_at):
            # What was used of the day that ended says nothing of the one that began.
            return None
        since = self._since.get(organization_id, Usage.ZERO)
        found = standing.over(kinds, now=now, since=since)
        if found is not None:
            # It is looked at again all the same: somebody may have raised the quota.
            self.note_active(organization_id)
        return found

    async def look(self, database: Database) -> None:
        """Write down what was counted, and look at what those used in all who were active."""
        writing, self._unwritten = self._unwritten, {}
        if not writing:
            return
        try:
            async with database.system() as work:
                await quotas.insert_usage(work, writing, day=day_of(work.now))
                # What was noted meanwhile is in no table yet; what is noted from here on comes
                # on top.
                active = {*writing, *self._unwritten}
                ahead = {id_: self._unwritten.get(id_, Usage.ZERO) for id_ in active}
                before = {id_: self._since.setdefault(id_, Usage.ZERO) for id_ in active}
                found = await quotas.read_standings(work, list(active), today=day_of(work.now))
                now = work.now
        except BaseException:
            for id_, usage in writing.items():
                self._unwritten[id_] = self._unwritten.get(id_, Usage.ZERO).plus(usage)
            raise
        for id_, standing in found.items():
            self._standings[id_] = (now, standing)
            self._since[id_] = self._since[id_].minus(before[id_]).plus(ahead[id_])
        self._forget_some()

    def _forget_some(self) -> None:
        """Keep the book bounded: those who were seen first are looked at anew."""
        while len(self._standings) > MOST_ORGANIZATIONS:
            oldest = next(iter(self._standings))
            del self._standings[oldest]
            self._since.pop(oldest, None)


async def keep_forever(book: UsageBook, database: Database) -> None:
    """Keep the book until cancelled, and write down what is left then."""
    try:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await _look_safely(book, database)
    finally:
        await _look_safely(book, database)


async def _look_safely(book: UsageBook, database: Database) -> None:
    try:
        await book.look(database)
    except HeadgateError as error:
        logger.warning("What organizations use is written down later: %s", error)
    except Exception:
        logger.exception("What organizations use could not be written down, and is tried again")
