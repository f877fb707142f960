"""Queues calls of tasks for task workers."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from headgate.api import background_tasks
from headgate.api.background import background_loop
from headgate.background_tasks.futures import BackgroundFuture
from headgate.background_tasks.values import pack_arguments, store_of
from headgate.engine.context import current_flow_run, current_tags
from headgate.engine.inputs import resolve, upstream_futures
from headgate.engine.places import current_place
from headgate.engine.sessions import find_workspace_id
from headgate.errors import ResultError, SerializationError
from headgate.futures import wait
from headgate.ids import make_id
from headgate.settings import load_settings
from headgate.specs import TaskSpec
from headgate.states import format_timestamp
from headgate.texts import cut, tag_labels, text_of

MAX_NAME = 300


def queue_call(
    spec: TaskSpec,
    parameters: dict[str, Any],
    *,
    wait_for: Iterable[Any] | None = None,
    priority: int = 0,
    due_at: datetime | None = None,
) -> BackgroundFuture[Any]:
    """Queue a call and return its future; the server has it once this returns.

    Futures among the arguments are awaited here: what they returned is what is queued.

    Raises:
        SettingsError: no server is configured, so that no worker could be told.
        ResultError: the arguments can be neither written nor pickled.
        UpstreamTaskError: a task that the call needs did not complete.
        ApiError: the server did not take the call.
    """
    place = current_place()
    context = current_flow_run.get()
    settings = context.settings if context is not None else load_settings()
    needed = list(wait_for) if wait_for else None
    wait(upstream_futures([*parameters.values(), needed]))
    resolve(needed)
    arguments = {name: resolve(value) for name, value in parameters.items()}
    id_ = make_id("btask")
    store = store_of(spec, settings=settings)
    document = _packed(spec, arguments, id_=id_, store=store)

    async def create() -> str:
        workspace_id = await find_workspace_id(settings, transport=place.transport)
        await background_tasks.create(
            place.transport,
            workspace_id=workspace_id,
            id=id_,
            task_key=spec.key,
            name=cut(f"{spec.name}-{id_[-3:]}", limit=MAX_NAME),
            parameters=document,
            tags=tag_labels(spec.tags | current_tags.get()),
            priority=priority,
            due_at=None if due_at is None else format_timestamp(due_at),
        )
        return workspace_id

    workspace_id = background_loop().run(create())
    return BackgroundFuture(id_, transport=place.transport, workspace_id=workspace_id, store=store)


def _packed(spec: TaskSpec, arguments: dict[str, Any], *, id_: str, store: Any) -> dict[str, Any]:
    try:
        return pack_arguments(arguments, id_=id_, store=store)
    except SerializationError as error:
        message = (
            f"The arguments of task {spec.name!r} cannot be sent to a worker: {text_of(error)}. "
            "Pass what can be pickled, such as the path of a file in the place of the file"
        )
        raise ResultError(message) from error
