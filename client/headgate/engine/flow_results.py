"""Keeps what a flow returns, where the flow asks for it, and reads it where its run was started."""

import logging
from collections.abc import Mapping
from typing import Any, cast

from headgate.cache_policies import source_hash
from headgate.engine.context import FlowRunContext
from headgate.engine.effects import Offload, Steps
from headgate.engine.names import declared_name, run_facts
from headgate.errors import MissingResult, ResultError, SettingsError
from headgate.logs import ENGINE, logger_of
from headgate.reporting.failures import user_error
from headgate.results.kept import MAX_BYTES, KeptPlace, outdate
from headgate.results.storages import make_storage, reference_of
from headgate.results.stores import FoundResult, Origin, Results
from headgate.serializers import make_serializer
from headgate.settings import Settings
from headgate.specs import FlowSpec
from headgate.states import Failed, State, contained_states
from headgate.texts import text_of

logger = logging.getLogger(ENGINE)

_AT = "path"
"""Of what is kept for the run around a subflow that keeps its result itself: where that is."""
RESULT = "result"
"""Of a state's details: where what the run returned is kept."""


def keep_result(context: FlowRunContext, state: State[Any]) -> Steps[State[Any]]:
    """Keep what a completed flow returned, if it is asked to, and return the state to end in.

    A flow whose result cannot be kept fails, as a task does.
    """
    has_value = state.is_completed() and not contained_states(state.data) and not context.is_lazy
    if not has_value or context.replay is not None:
        if state.is_completed() and context.wrapper is not None:
            context.wrapper.cache_key = None
        return state
    if not is_asked(context.spec, context.settings):
        yield from keep_for_parent(context, state.data)
        return state
    try:
        store = store_of(context.spec, context.settings)
        path = _path_of(context)
        yield Offload(_write, store, path, state.data, context)
    except Exception as error:  # noqa: BLE001 - of the user's value, key or storage
        what = f"The result of flow {context.spec.name!r} cannot be kept: {text_of(error)}"
        logger_of(context).error("%s", what, exc_info=user_error(error))
        failure = ResultError(what)
        failure.__cause__ = error
        return Failed(message=what, data=failure)
    yield from keep_for_parent(context, {_AT: path})
    where = {"storage": reference_of(store.storage), "path": path}
    return State(
        state.type,
        name=state.name,
        message=state.message,
        data=state.data,
        timestamp_us=state.timestamp_us,
        details={**(state.details or {}), RESULT: where},
    )


def is_asked(spec: FlowSpec, settings: Settings) -> bool | None:
    """Whether what a flow returns is kept; None where nobody said."""
    own = spec.results.is_kept
    return own if own is not None else settings.is_result_kept


def store_of(spec: FlowSpec, settings: Settings) -> Results:
    """Return where what a flow returns is kept.

    Raises:
        ResultError: there is no such storage, or it cannot be used here.
    """
    options = spec.results
    storage = make_storage(options.storage or settings.result_storage or settings.results_folder)
    return Results(storage, make_serializer(options.serializer or settings.result_serializer))


def place_of(
    spec: FlowSpec, *, parent: FlowRunContext | None, parameters: dict[str, Any]
) -> KeptPlace | None:
    """Return where what a call of a subflow returns is kept for the run around it.

    As with a task, that is nowhere where the subflow or the run around it says that nothing is
    kept, or nothing stands for its parameters.
    """
    if parent is None or parent.kept is None:
        return None
    kept, is_own = parent.kept, is_asked(spec, parent.settings)
    if is_own is False or (is_own is None and parent.spec.results.is_kept is False):
        return None
    try:
        store = store_of(spec, parent.settings)
        key = kept.next_key(
            parent.spec.name, "flow", spec.name, source_hash(spec.fn), bool(is_own), parameters
        )
    except (ResultError, SettingsError, OSError) as error:
        logger.debug("What %s returns is not kept for a rerun: %s", spec.name, error)
        return None
    is_wanted = kept.is_wanted(key)
    return KeptPlace(
        key=key,
        path=kept.path_of(key),
        store=store,
        is_asked=bool(is_own),
        is_wanted=is_wanted,
        is_outdated=kept.has_past and not is_wanted,
        inside=kept.inside(key, is_continued=is_wanted),
    )


def find_kept(place: KeptPlace, *, name: str) -> Steps[FoundResult | None]:
    """Return what a subflow returned in an earlier attempt of the run around it; None for none."""
    try:
        if place.is_outdated:
            yield Offload(lambda: outdate(place.store, path=place.path, key=place.key))
        if not place.is_wanted:
            return None
        found: FoundResult | None = yield Offload(_find, place)
    except Exception as error:  # noqa: BLE001 - of the user's storage: the subflow is done instead
        logger.warning(
            "The result that was kept of %s cannot be used, and is computed again: %s",
            name,
            text_of(error),
        )
        return None
    return found


def _find(place: KeptPlace) -> FoundResult | None:
    found = place.store.find(place.path, key=place.key)
    if found is None or found.record.since < place.inside.since:
        return None
    if not place.is_asked:
        return found
    path, run_id = str(found.value[_AT]), found.record.flow_run_id
    own = place.store.find(path, key=path)
    # Under a key of the flow's own, another run may have kept its result there since.
    return own if own is not None and own.record.flow_run_id == run_id else None


def keep_for_parent(context: FlowRunContext, value: Any) -> Steps[None]:
    """Keep what a completed subflow returned, or where that is, for the run around it."""
    place, wrapper = context.place, context.wrapper
    if place is None or wrapper is None:
        return
    origin = Origin(task_run_id=wrapper.id, flow_run_id=context.run.id, since=place.inside.since)
    store = place.store
    if place.is_asked:
        store = Results(store.storage, make_serializer("json"))

    def write() -> None:
        store.write(place.path, value, key=place.key, origin=origin, limit_bytes=MAX_BYTES)

    try:
        yield Offload(write)
    except Exception as error:  # noqa: BLE001 - of user code's value, or of the user's storage
        logger_of(context).info(
            "The result of flow %r cannot be kept: %s; a rerun of the run around it does it again",
            context.spec.name,
            text_of(error),
        )
        wrapper.cache_key = None
        return
    wrapper.cache_key = place.key


def _path_of(context: FlowRunContext) -> str:
    key = context.spec.results.storage_key
    if key is None:
        return f"flow-runs/{context.run.id}"
    what = {"parameters": context.run.parameters, **run_facts(context.run)}
    return declared_name(key, parameters=context.run.parameters, what=what)


def _write(store: Results, path: str, value: Any, context: FlowRunContext) -> None:
    store.write(path, value, key=path, origin=Origin(flow_run_id=context.run.id))


class KeptState(State[Any]):
    """The state of a run of another process: its result is read from where that kept it."""

    __slots__ = ()

    def outcome(self, *, raise_on_failure: bool = True) -> Any:
        """Return what the run kept.

        Raises:
            MissingResult: it kept nothing, or what it kept is not there, or cannot be read here.
        """
        if not self.is_completed():
            return super().outcome(raise_on_failure=raise_on_failure)
        where: Any = (self.details or {}).get(RESULT)
        if not isinstance(where, Mapping):
            message = "The run kept no result: its flow says persist_result=True for that"
            raise MissingResult(message)
        return _read(cast("Mapping[str, Any]", where))


def _read(where: Mapping[str, Any]) -> Any:
    storage, path = where.get("storage"), str(where.get("path"))
    if not isinstance(storage, str):
        message = "The run kept its result in a block that has no name: save it, and name it"
        raise MissingResult(message)
    try:
        store = Results(make_storage(storage), make_serializer("pickle"))
        found = store.find(path, key=path)
    except (ResultError, SettingsError, OSError) as error:
        message = f"The result of the run cannot be read here: {text_of(error)}"
        raise MissingResult(message) from error
    if found is None:
        message = f"The result of the run is not at {path!r} in {storage!r}, as seen from here"
        raise MissingResult(message)
    return found.value
