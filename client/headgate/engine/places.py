"""Where a call from user code goes: the run around it, or the server that is configured."""

from dataclasses import dataclass

from headgate.api.calls import LeaseInput
from headgate.api.transport import Transport
from headgate.engine.context import FlowRunContext, current_flow_run
from headgate.engine.sessions import own_assignment, shared_transport
from headgate.reporting.server_run import ServerRun
from headgate.settings import load_settings


@dataclass(frozen=True, slots=True)
class Place:
    """A server and a workspace on it, with the credential that speaks here.

    ``lease`` is that of the run around the call; None outside of one that the server knows.
    """

    transport: Transport
    organization: str
    workspace: str
    lease: LeaseInput | None = None


def current_place() -> Place:
    """Return where a call from here goes; inside a run its own token speaks.

    Raises:
        SettingsError: no server or no workspace is configured.
    """
    context = current_flow_run.get()
    settings = context.settings if context is not None else load_settings()
    settings.require_api_url()
    organization, workspace = settings.require_workspace()
    recorder = context.recorder if context is not None else None
    if isinstance(recorder, ServerRun):
        return Place(recorder.transport, organization, workspace, recorder.lease)
    given = own_assignment(settings) if context is None else None
    lease = None
    if given is not None:
        # What a module does as an agent's process imports it belongs to the run as well.
        lease = LeaseInput(given.flow_run_id, given.lease_token, given.lease_epoch)
    return Place(shared_transport(settings), organization, workspace, lease)


def place_of_tags(flow_run: FlowRunContext | None, *, is_queued: bool) -> tuple[str, str] | None:
    """Return the server and the workspace whose limits bind a task's tags; None for none.

    Args:
        flow_run: the run around the task, if any.
        is_queued: whether it came out of the queue of background tasks.
    """
    if flow_run is not None:
        recorder = flow_run.recorder
        if not isinstance(recorder, ServerRun):
            return None
        return recorder.transport.url, flow_run.settings.workspace or ""
    if not is_queued:
        return None
    settings = load_settings()
    return shared_transport(settings).url, settings.workspace or ""
