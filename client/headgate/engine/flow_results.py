"""Keeps what a flow returns, where the flow asks for it, and reads it where its run was started."""

from collections.abc import Mapping
from typing import Any, cast

from headgate.engine.context import FlowRunContext
from headgate.engine.effects import Offload, Steps
from headgate.engine.names import declared_name, run_facts
from headgate.errors import MissingResult, ResultError, SettingsError
from headgate.logs import logger_of
from headgate.reporting.failures import user_error
from headgate.results.storages import make_storage, reference_of
from headgate.results.stores import Origin, Results
from headgate.serializers import make_serializer
from headgate.states import Failed, State, contained_states
from headgate.texts import text_of

RESULT = "result"
"""Of a state's details: where what the run returned is kept."""


def keep_result(context: FlowRunContext, state: State[Any]) -> Steps[State[Any]]:
    """Keep what a completed flow returned, if it is asked to, and return the state to end in.

    A flow whose result cannot be kept fails, as a task does.
    """
    options, settings = context.spec.results, context.settings
    is_asked = options.is_kept if options.is_kept is not None else settings.is_result_kept
    has_value = state.is_completed() and not contained_states(state.data) and not context.is_lazy
    if not is_asked or not has_value or context.replay is not None:
        return state
    storage = make_storage(options.storage or settings.result_storage or settings.results_folder)
    store = Results(storage, make_serializer(options.serializer or settings.result_serializer))
    try:
        path = _path_of(context)
        yield Offload(_write, store, path, state.data, context)
    except Exception as error:  # noqa: BLE001 - of the user's value, key or storage
        what = f"The result of flow {context.spec.name!r} cannot be kept: {text_of(error)}"
        logger_of(context).error("%s", what, exc_info=user_error(error))
        failure = ResultError(what)
        failure.__cause__ = error
        return Failed(message=what, data=failure)
    where = {"storage": reference_of(storage), "path": path}
    return State(
        state.type,
        name=state.name,
        message=state.message,
        data=state.data,
        timestamp_us=state.timestamp_us,
        details={**(state.details or {}), RESULT: where},
    )


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
