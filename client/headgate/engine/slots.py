"""Takes slots of concurrency limits for user code and for tasks with tags, and gives them back."""

import asyncio
import contextlib
import logging
import random
import time
from collections.abc import AsyncGenerator, Coroutine, Generator
from concurrent.futures import Future as ConcurrentFuture
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from headgate.api import concurrency_limits
from headgate.api.background import background_loop
from headgate.api.concurrency_limits import AcquireAnswer
from headgate.api.transport import Transport, retry_delay_seconds
from headgate.engine import limited_tags
from headgate.engine.context import FlowRunContext, current_flow_run
from headgate.engine.effects import Steps
from headgate.engine.places import current_place, place_of_tags
from headgate.engine.sessions import find_workspace_id
from headgate.engine.wishes import Wish
from headgate.errors import (
    ApiError,
    BadRequestError,
    ConcurrencyError,
    NotFoundError,
    RetryableApiError,
    SlotsLostError,
    SlotTimeoutError,
)
from headgate.logs import ENGINE
from headgate.settings import load_settings
from headgate.texts import tag_labels

T = TypeVar("T")
logger = logging.getLogger(ENGINE)

WAIT_SECONDS = 20.0
"""How long the server holds one call of somebody who waits for a turn, at most."""
SPREAD = 0.25
"""So much less at random: many who began together do not ask again together."""
SLICE_SECONDS = 0.25
"""How long a thread blocks at most before it looks whether it was interrupted."""
RELEASE_SECONDS = 10.0
LEAST_LEASE_SECONDS = 1.0


@dataclass(slots=True)
class _Office:
    """Where slots are asked for, and on whose behalf."""

    transport: Transport
    workspace: str
    workspace_id: str
    is_run: bool

    @property
    def place(self) -> tuple[str, str]:
        """What is known of tags is known by this."""
        return self.transport.url, self.workspace


@dataclass(slots=True)
class Slots:
    """Slots that are held; ``lease_id`` is None where the wish needed none."""

    office: _Office
    wish: Wish
    lease_id: str | None
    renewal: "asyncio.Task[None] | None" = None
    lost: str | None = None


class Watch:
    """Wait for something on the background loop, so that an interrupt of this thread is seen."""

    __slots__ = ("coroutine",)

    def __init__(self, coroutine: Coroutine[Any, Any, Any]) -> None:
        self.coroutine = coroutine

    def perform(self) -> Any:
        """Block this thread, a moment at a time."""
        return watch(self.coroutine)

    async def perform_async(self) -> Any:
        """Let other coroutines run meanwhile."""
        return await _watch_async(self.coroutine)


def watch(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the background loop; whoever interrupts this thread ends it."""
    future: ConcurrentFuture[T] = background_loop().submit(coroutine)
    try:
        while True:
            try:
                return future.result(SLICE_SECONDS)
            except TimeoutError:
                if future.done():
                    return future.result()
    except BaseException:
        future.cancel()
        raise


async def _watch_async(coroutine: Coroutine[Any, Any, T]) -> T:
    return await asyncio.wrap_future(background_loop().submit(coroutine))


@contextmanager
def holding(wish: Wish) -> Generator[None]:
    """Hold slots while the block runs, in blocking code."""
    slots = watch(_take(wish, current_flow_run.get()))
    try:
        yield
    finally:
        watch(_give_back(slots))
    _complain(slots)


@asynccontextmanager
async def holding_async(wish: Wish) -> AsyncGenerator[None]:
    """Hold slots while the block runs, in a coroutine."""
    slots = await _watch_async(_take(wish, current_flow_run.get()))
    try:
        yield
    finally:
        await _watch_async(_give_back(slots))
    _complain(slots)


def take_once(wish: Wish) -> None:
    """Wait until a rate has room, in blocking code; what was taken runs off by itself."""
    watch(_take(wish, current_flow_run.get()))


async def take_once_async(wish: Wish) -> None:
    """Wait until a rate has room, in a coroutine; what was taken runs off by itself."""
    await _watch_async(_take(wish, current_flow_run.get()))


def taking_for_tags(
    flow_run: FlowRunContext | None, tags: frozenset[str], *, is_queued: bool
) -> Wish | None:
    """Return what a task run with these tags needs; None without a word to the server.

    A task in a flow run holds slots as the run does; one out of the queue of background tasks as
    this process does, which renews them. Tags that have no limit cost nothing: the server says
    which have one, at most every ten seconds for a process. It is asked for the tags as they are
    reported: without secrets, and none that it would not take.
    """
    place = place_of_tags(flow_run, is_queued=is_queued) if tags else None
    if place is None:
        return None
    labels = tag_labels(tags)
    if not labels or not limited_tags.known.may_be_limited(place, frozenset(labels)):
        return None
    return Wish(names=(), task_tags=tuple(labels))


def take_for_tags(flow_run: FlowRunContext | None, wish: Wish) -> Steps[Slots | None]:
    """Take the slots at once where there is room; None where the task has to wait for them.

    While the server is away, the task goes on without unless one of its tags had a limit before.
    """
    return (yield Watch(_try(wish, flow_run)))


def wait_for_tags(flow_run: FlowRunContext | None, wish: Wish) -> Steps[Slots]:
    """Wait for the slots."""
    return (yield Watch(_take(wish, flow_run)))


def give_back(slots: Slots) -> Steps[None]:
    """Give slots back."""
    if slots.lease_id is not None:
        yield Watch(_give_back(slots))


async def _try(wish: Wish, flow_run: FlowRunContext | None) -> Slots | None:
    office = await _office(flow_run)
    patience = limited_tags.known.patience_seconds(office.place)
    try:
        answer = await _ask(office, wish, wait_seconds=0.0, deadline_seconds=patience)
    except BadRequestError:
        # An older server, which knows no limits.
        answer = AcquireAnswer(acquired=True)
    except RetryableApiError as error:
        if limited_tags.known.were_limited(office.place, wish.task_tags):
            return None
        # The outage of a server is none of its runs: where no limit is known, none is kept to.
        logger.warning("Going on without asking for slots of %s: %s", wish.what, error)
        limited_tags.known.go_on(office.place)
        return Slots(office, wish, None)
    return _held(office, wish, answer) if answer.acquired else None


async def _take(wish: Wish, flow_run: FlowRunContext | None) -> Slots:
    """Ask until the slots are there; who waits for ever waits for a server that is away, too.

    Raises:
        SlotTimeoutError: they did not come in time.
        ApiError: the server refused.
    """
    if _is_local(flow_run):
        if wish.is_strict:
            message = f"Without a server there is no concurrency limit {wish.what}"
            raise ConcurrencyError(message)
        return Slots(_Office(Transport("", None), "", "", is_run=False), wish, None)
    office = await _office(flow_run)
    try:
        return await _wait_for(office, wish)
    except asyncio.CancelledError:
        # The server may have given the slots in this very moment.
        _leave_in_background(office, wish)
        raise


async def _wait_for(office: _Office, wish: Wish) -> Slots:
    started_at = time.monotonic()
    retries = 0
    is_patient = wish.max_retries is None
    while True:
        waited = time.monotonic() - started_at
        left = float("inf") if wish.timeout_seconds is None else wish.timeout_seconds - waited
        is_waiting = retries > 0 or is_patient
        most = WAIT_SECONDS * (1 - SPREAD * random.random())  # noqa: S311  chance, no secret
        seconds = max(min(most, left), 0.0) if is_waiting else 0.0
        try:
            answer = await _ask(office, wish, wait_seconds=seconds)
        except RetryableApiError as error:
            if not is_patient or wish.timeout_seconds is not None:
                raise
            logger.warning("Slots of %s cannot be asked for yet: %s", wish.what, error)
            delay = retry_delay_seconds(retries, wish_seconds=error.retry_after_seconds)
            await asyncio.sleep(delay)
            answer = AcquireAnswer(acquired=False)
        if answer.acquired:
            return _held(office, wish, answer)
        if retries == 0:
            logger.info("Waiting for slots of %s", wish.what)
        retries += 1
        left -= time.monotonic() - started_at - waited
        if wish.max_retries is not None and retries > wish.max_retries:
            if wish.max_retries > 0:
                await _leave(office, wish)
            message = f"No slots of {wish.what} were free, however often they were asked for"
            raise SlotTimeoutError(message)
        if left <= 0:
            await _leave(office, wish)
            message = f"No slots of {wish.what} came free within {wish.timeout_seconds:g} seconds"
            raise SlotTimeoutError(message)


async def _ask(
    office: _Office, wish: Wish, *, wait_seconds: float, deadline_seconds: float | None = None
) -> AcquireAnswer:
    """Ask once; a server that is away is asked again until the deadline."""
    wanted: dict[str, Any] = {
        "workspaceId": office.workspace_id,
        "names": list(wish.names),
        "slots": wish.slots,
        "ttl": f"PT{max(wish.lease_seconds, LEAST_LEASE_SECONDS):.3f}S",
        "idempotencyKey": wish.key,
        "strict": wish.is_strict,
        "rate": wish.is_rate,
    }
    if wish.priority:
        wanted["priority"] = wish.priority
    if wish.task_tags:
        wanted["taskTags"] = list(wish.task_tags)
    if wish.holder_run_id is not None and not office.is_run:
        wanted["holderRunId"] = wish.holder_run_id
    elif wish.holder_task is not None and not office.is_run:
        wanted["holderTask"] = dict(wish.holder_task)
    return await concurrency_limits.acquire(
        office.transport,
        wanted=wanted,
        wait_seconds=wait_seconds,
        deadline_seconds=deadline_seconds,
    )


def _held(office: _Office, wish: Wish, answer: AcquireAnswer) -> Slots:
    if wish.task_tags:
        limited_tags.known.learn(office.place, answer.limited_tags or [])
    if answer.missing:
        logger.warning(
            "There is no concurrency limit named %s: nothing is limited by it",
            ", ".join(answer.missing),
        )
    slots = Slots(office, wish, answer.lease_id)
    # What a run holds lives as long as the run's lease.
    is_held_by_run = office.is_run or wish.holder_run_id is not None
    if answer.lease_id is not None and not is_held_by_run and not wish.is_rate:
        slots.renewal = asyncio.get_running_loop().create_task(_renew_forever(slots))
    return slots


async def _renew_forever(slots: Slots) -> None:
    """Keep slots that no run holds, three times as often as needed, until they are lost."""
    wish, office = slots.wish, slots.office
    wanted: dict[str, Any] = {
        "workspaceId": office.workspace_id,
        "names": [],
        "ttl": f"PT{max(wish.lease_seconds, LEAST_LEASE_SECONDS):.3f}S",
        "idempotencyKey": wish.key,
        "leaseId": slots.lease_id,
    }
    while True:
        await asyncio.sleep(max(wish.lease_seconds, LEAST_LEASE_SECONDS) / 3)
        try:
            await concurrency_limits.acquire(office.transport, wanted=wanted)
        except RetryableApiError as error:
            logger.warning("The slots of %s were not renewed: %s", wish.what, error)
        except ApiError as error:
            slots.lost = str(error)
            logger.error("The slots of %s are lost: %s", wish.what, error)  # noqa: TRY400  said in full
            return


async def _give_back(slots: Slots) -> None:
    if slots.renewal is not None:
        slots.renewal.cancel()
    if slots.lease_id is None:
        return
    try:
        await concurrency_limits.release(
            slots.office.transport,
            workspace_id=slots.office.workspace_id,
            lease_id=slots.lease_id,
            deadline_seconds=RELEASE_SECONDS,
        )
    except NotFoundError:
        # Sent again after its answer was lost, or gone with the run's lease.
        logger.debug("The slots of %s were free already", slots.wish.what)
    except ApiError as error:
        logger.warning(
            "Slots of %s were not given back, and come back by themselves: %s",
            slots.wish.what,
            error,
        )


def _complain(slots: Slots) -> None:
    if slots.lost is not None and slots.wish.is_loss_raised:
        message = f"The slots of {slots.wish.what} were lost meanwhile: {slots.lost}"
        raise SlotsLostError(message)


async def _leave(office: _Office, wish: Wish) -> None:
    """Leave the line, and give back what may have been given meanwhile."""
    with contextlib.suppress(ApiError):
        answer = await _ask(office, wish, wait_seconds=0.0)
        if answer.lease_id is not None:
            await _give_back(Slots(office, wish, answer.lease_id))


def _leave_in_background(office: _Office, wish: Wish) -> None:
    task = asyncio.get_running_loop().create_task(_leave(office, wish))
    _leaving.add(task)
    task.add_done_callback(_leaving.discard)


_leaving: set["asyncio.Task[None]"] = set()


def _is_local(flow_run: FlowRunContext | None) -> bool:
    settings = flow_run.settings if flow_run is not None else load_settings()
    return settings.is_local or bool(flow_run and flow_run.replay)


async def _office(flow_run: FlowRunContext | None) -> _Office:
    token = current_flow_run.set(flow_run)
    try:
        place = current_place()
    finally:
        current_flow_run.reset(token)
    settings = flow_run.settings if flow_run is not None else load_settings()
    workspace_id = await find_workspace_id(settings, transport=place.transport)
    is_run = place.lease is not None
    return _Office(place.transport, place.workspace, workspace_id, is_run=is_run)
