"""The right to write about a run that begins here: had at once, or as the server is back.

The client makes the run's id and the token of its lease, so that all it reports names the run from
the start. What the server alone gives is the run's token.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec

from headgate.api import begun_runs
from headgate.api.begun_runs import BegunRun, MadeHere
from headgate.api.calls import LeaseInput
from headgate.api.transport import Transport
from headgate.errors import (
    ApiError,
    BadRequestError,
    NotFoundError,
    RetryableApiError,
    ServerFaultError,
    ServerUnavailableError,
)

BLIP_SECONDS = 2.0
"""How long something is told before the server counts as away."""

FIRST_EPOCH = 1
_PARENT = "parentTaskRunId"


class RunRefusedError(ApiError):
    """The server will never know of a run that began here while it was away; the message says why.

    The run goes on, and what it reports is kept on disk for people to look at.
    """


class Begin(msgspec.Struct, kw_only=True, omit_defaults=True):
    """All that the server is told of a run as it begins; kept on disk while it cannot be told.

    It holds no key of a person's: who tells of a run that has no parent shows their own.

    Args:
        parent_token: what the parent may do, where the server knew of it; that of a run.
        parent: what is to be told of the parent first, where the server did not know of it.
    """

    run_id: str
    lease_token: str
    organization: str
    workspace: str
    flow_name: str
    client_id: str
    idempotency_key: str
    name: str | None = None
    parameters: dict[str, Any] = {}
    tags: list[str] = []
    parent_task_run_id: str | None = None
    parent_run_id: str | None = None
    parent_token: str | None = None
    parent: "Begin | None" = None

    @property
    def lease(self) -> LeaseInput:
        """The lease that the run is born under."""
        return LeaseInput(self.run_id, self.lease_token, FIRST_EPOCH)

    def as_part_of(self, run_id: str, *, pending: "Begin | None", token: str | None) -> "Begin":
        """Return the begin of a part of another run, whose token begins it.

        Args:
            pending: the begin of that run, where the server does not know of it either.
        """
        parent_token = None if pending else token
        return msgspec.structs.replace(
            self, parent_run_id=run_id, parent_token=parent_token, parent=pending
        )


async def tell(
    begin: Begin,
    *,
    transport: Transport,
    workspace_id: str,
    deadline_seconds: float | None = None,
    is_made_here: bool = True,
) -> BegunRun:
    """Tell the server that a run has begun; safe to repeat.

    Args:
        begin: the run.
        transport: speaks as whoever begins it: its parent, or a person's key.
        workspace_id: of its workspace.
        deadline_seconds: how long to ask; None for as long as the transport does.
        is_made_here: whether the run has its ids already; else the server makes them.

    Raises:
        ApiError: the server could not be asked, or said no.
    """
    return await begun_runs.begin(
        transport,
        workspace_id=workspace_id,
        flow_name=begin.flow_name,
        client_id=begin.client_id,
        name=begin.name,
        parameters=begin.parameters,
        tags=begin.tags,
        parent_task_run_id=begin.parent_task_run_id,
        idempotency_key=begin.idempotency_key,
        made=MadeHere(begin.run_id, begin.lease_token) if is_made_here else None,
        deadline_seconds=deadline_seconds,
    )


def is_parent_unknown(error: ApiError) -> bool:
    """Whether a run was refused since the server has not heard of the task run it stands for."""
    return isinstance(error, NotFoundError) and _PARENT in error.path


class Tenure:
    """Lets one run be written about; used from the background loop only, but for its properties.

    Whoever needs it first has it for all: then ``on_held`` is called, for the lease is short until
    the run is told to have started.

    Args:
        begin: what the server is told.
        opener: speaks as whoever begins it.
        find_workspace_id: asks for the workspace's id with that transport.
        is_parent_waiting: whether the parent still has reports that the server has not heard.
    """

    def __init__(
        self,
        begin: Begin,
        *,
        opener: Transport,
        find_workspace_id: Callable[[Transport], Awaitable[str]],
        is_parent_waiting: Callable[[], bool],
    ) -> None:
        self.begin = begin
        self.lease = begin.lease
        self.transport = opener.with_token(None)
        self.transport.admit = self.hold
        self.is_held = False
        self.flow_id: str | None = None
        self.on_held: Callable[[], None] | None = None
        self._opener = opener
        self._find_workspace_id = find_workspace_id
        self._is_parent_waiting = is_parent_waiting
        self._refusal: RunRefusedError | None = None
        self._lock = asyncio.Lock()

    @property
    def pending(self) -> Begin | None:
        """What the server is still to be told; None where it knows of the run."""
        return None if self.is_held else self.begin

    @property
    def is_refused(self) -> bool:
        """Whether the server said no for good."""
        return self._refusal is not None

    async def hold_in_time(self) -> None:
        """Have it before the run starts, as long as the opener is patient.

        A server that is older than this client makes the ids itself.

        Raises:
            ApiError: the server could not be asked, or said no.
        """
        async with self._lock:
            try:
                begun = await self._tell()
            except BadRequestError as error:
                if not begun_runs.is_too_new(error):
                    raise
                begun = await self._tell(is_made_here=False)
            self._take(begun)

    async def hold(self) -> None:
        """Have it now, if it is not had yet.

        Raises:
            RetryableApiError: the server is still away, or has not heard of the parent yet.
            RunRefusedError: it never will be had.
        """
        async with self._lock:
            if self.is_held:
                return
            if self._refusal is not None:
                raise self._refusal
            try:
                self._take(await self._tell(deadline_seconds=BLIP_SECONDS))
            except RetryableApiError:
                raise
            except RunRefusedError as error:
                # The run that it is part of is unknown for good.
                self._refusal = error
                raise
            except ServerFaultError as error:
                raise ServerUnavailableError(str(error)) from error
            except ApiError as error:
                if is_parent_unknown(error) and self._is_parent_waiting():
                    message = "The server has not heard of the parent's task run yet"
                    raise ServerUnavailableError(message) from error
                self._refusal = RunRefusedError(
                    f"The server does not take the run of flow {self.begin.flow_name!r} that began "
                    f"while it was away: {error}",
                    code=error.code,
                )
                raise self._refusal from error

    async def _tell(
        self, *, deadline_seconds: float | None = None, is_made_here: bool = True
    ) -> BegunRun:
        workspace_id = await self._find_workspace_id(self._opener)
        return await tell(
            self.begin,
            transport=self._opener,
            workspace_id=workspace_id,
            deadline_seconds=deadline_seconds,
            is_made_here=is_made_here,
        )

    def _take(self, begun: BegunRun) -> None:
        self.lease = begun.lease
        self.flow_id = begun.flow_id
        self.transport.token = begun.run_token
        self.transport.admit = None
        self.is_held = True
        if self.on_held is not None:
            self.on_held()
