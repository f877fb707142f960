"""Opens a flow run: in memory, begun on the server, or the one that an agent gave this process."""

import asyncio
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from headgate.api import workspaces
from headgate.api.background import background_loop, close_at_exit, reset_after_fork
from headgate.api.calls import LeaseInput
from headgate.api.transport import Transport
from headgate.engine.context import FlowRunContext, Recorder
from headgate.engine.crash import Interrupter
from headgate.engine.effects import Await, Steps
from headgate.engine.parameters import as_json
from headgate.errors import RetryableApiError
from headgate.ids import make_id, make_secret, make_uuid
from headgate.logs import ENGINE
from headgate.reporting.leftovers import Replayer, Teller
from headgate.reporting.local_run import LocalRun
from headgate.reporting.records import TaskRun
from headgate.reporting.server_run import ServerRun
from headgate.reporting.tenure import Begin, Tenure
from headgate.settings import RunAssignment, Settings
from headgate.texts import tag_labels

logger = logging.getLogger(ENGINE)

WARN_AFTER_SECONDS = 1.0
"""After so long without a server, whoever waits for the run is told what it waits for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """What is known about a run before it has an id.

    Args:
        name: as declared; the server or this process makes one up where there is none.
        wrapper: the task run that stands for a subflow in its parent.
        assignment: the run that this process was started for.
    """

    flow_name: str
    name: str
    parameters: dict[str, Any]
    tags: frozenset[str]
    parent: FlowRunContext | None
    wrapper: TaskRun | None
    assignment: RunAssignment | None


class _Process:
    """What flow runs of this process share; a forked child starts afresh."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.client_id = make_uuid()
        self.transports: dict[tuple[str, str | None], Transport] = {}
        self.replayers: dict[tuple[Path, str, str | None, str | None, str | None], Replayer] = {}
        self.workspace_ids: dict[tuple[str, str | None, str, str], str] = {}
        self.has_claimed = False
        self.assignment: RunAssignment | None = None


_process = _Process()
reset_after_fork(_process.reset)


def claim_assignment(settings: Settings) -> RunAssignment | None:
    """Return the run that this process was started for, to its first flow only.

    The lease also leaves the environment: what user code starts must not take part in the run.
    """
    if settings.assignment is None or _process.has_claimed:
        return None
    _process.has_claimed, _process.assignment = True, settings.assignment
    for name in ("HEADGATE_FLOW_RUN_ID", "HEADGATE_LEASE_TOKEN", "HEADGATE_LEASE_EPOCH"):
        os.environ.pop(name, None)
    return settings.assignment


def own_assignment(settings: Settings) -> RunAssignment | None:
    """Return the run that this process was started for, whether or not its flow has begun."""
    return _process.assignment or settings.assignment


def open_recorder(
    opening: Opening, *, settings: Settings, interrupter: Interrupter
) -> Steps[Recorder]:
    """Return where the run reports, after the server knows of it.

    A server that stays away does not stop user code: the server hears of the run as it is back,
    unless the setting says that it must be there.

    Raises:
        ApiError: the server did not take the run; nothing of it has started.
    """
    parent = opening.parent.recorder if opening.parent else None
    if settings.is_local or isinstance(parent, LocalRun):
        return LocalRun()
    if parent is None and opening.assignment is not None:
        return _assigned(opening.assignment, settings=settings, interrupter=interrupter)
    if isinstance(parent, ServerRun) and opening.wrapper is not None:
        # The child names its wrapper as parent, so the server hears of the wrapper first.
        yield Await(parent.sync_now(opening.wrapper))
    tenure = _make_tenure(opening, settings=settings, parent=parent)
    reason = ""
    if parent is None or settings.is_server_required or not parent.is_away:
        try:
            yield Await(background_loop().submit(_begin_in_time(tenure, settings=settings)))
        except RetryableApiError as error:
            if settings.is_server_required:
                raise
            reason = str(error)
    if not tenure.is_held:
        logger.warning(
            "Flow %r begins while the server is away%s; what it does is told as that is back",
            opening.flow_name,
            f" ({reason})" if reason else "",
        )
    return ServerRun(
        transport=tenure.transport,
        lease=tenure.lease,
        settings=settings,
        on_cancel=interrupter.cancel,
        tenure=tenure,
        parent=parent,
        replayer=_replayer(settings),
    )


def _assigned(
    assignment: RunAssignment, *, settings: Settings, interrupter: Interrupter
) -> ServerRun:
    return ServerRun(
        transport=shared_transport(settings),
        lease=LeaseInput(assignment.flow_run_id, assignment.lease_token, assignment.lease_epoch),
        settings=settings,
        on_cancel=interrupter.cancel,
        replayer=_replayer(settings),
    )


def shared_transport(settings: Settings) -> Transport:
    """Return the one transport of this process to a server with a key."""
    key = (settings.require_api_url(), settings.api_key)
    found = _process.transports.get(key)
    if found is None:
        found = _process.transports[key] = Transport(
            *key, deadline_seconds=settings.request_deadline_seconds
        )
        close_at_exit(_process, found.close)
        _replayer(settings).start()
    return found


def _replayer(settings: Settings) -> Replayer:
    """Return what delivers, in this process, what is left on this machine."""
    organization, workspace = settings.organization, settings.workspace
    api_key = None if own_assignment(settings) else settings.api_key
    place = (settings.require_api_url(), api_key, organization, workspace)
    key = (settings.home, *place)
    found = _process.replayers.get(key)
    if found is None:
        found = _process.replayers[key] = Replayer(settings.home, Teller(*place))
    return found


def _make_tenure(opening: Opening, *, settings: Settings, parent: ServerRun | None) -> Tenure:
    """Make what the run needs to be written about; its ids are made here."""
    organization, workspace = settings.require_workspace()
    begin = Begin(
        run_id=make_id("run"),
        lease_token=make_secret(),
        organization=organization,
        workspace=workspace,
        flow_name=opening.flow_name,
        client_id=_process.client_id,
        idempotency_key=make_uuid(),
        name=opening.name,
        parameters=as_json(opening.parameters),
        tags=tag_labels(opening.tags),
        parent_task_run_id=opening.wrapper.id if opening.wrapper else None,
    )
    opener = parent.transport if parent else shared_transport(settings)

    async def find(transport: Transport) -> str:
        return await find_workspace_id(settings, transport=transport)

    return Tenure(
        parent.begin_part(begin) if parent else begin,
        opener=opener,
        find_workspace_id=find,
        is_parent_waiting=lambda: parent is not None and parent.is_away,
    )


async def _begin_in_time(tenure: Tenure, *, settings: Settings) -> None:
    patience = settings.request_deadline_seconds
    warning = asyncio.get_running_loop().call_later(
        WARN_AFTER_SECONDS,
        logger.warning,
        "%s has not answered yet; flow %r waits for it, %g s at most",
        tenure.transport.url,
        tenure.begin.flow_name,
        patience,
    )
    try:
        await tenure.hold_in_time()
    finally:
        warning.cancel()


async def find_workspace_id(settings: Settings, *, transport: Transport) -> str:
    """Return the id of the configured workspace, which this process asks for once.

    Raises:
        SettingsError: no server or no workspace is configured.
        ApiError: the server could not be asked, or knows no such workspace.
    """
    organization, workspace = settings.require_workspace()
    key = (settings.require_api_url(), settings.api_key, organization, workspace)
    found = _process.workspace_ids.get(key)
    if found is None:
        found = _process.workspace_ids[key] = await workspaces.get_id(
            transport, organization=organization, workspace=workspace
        )
    return found
