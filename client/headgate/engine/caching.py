"""What becomes of the result of a task run: found instead of computed, and kept for others."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from headgate.cache_policies import (
    DEFAULT,
    CachePolicy,
    NoCachePolicy,
    is_of_one_task,
    names_run,
    source_hash,
)
from headgate.clock import now_us
from headgate.engine.cache_locks import Guard, make_guard
from headgate.engine.context import TaskRunContext
from headgate.engine.effects import Call, Offload, Sleep, Steps
from headgate.engine.names import declared_name, task_facts
from headgate.errors import ResultError, SerializationError
from headgate.hashing import hash_values
from headgate.logs import ENGINE, logger_of
from headgate.reporting.failures import user_error
from headgate.results.kept import MAX_BYTES, KeptResults, outdate
from headgate.results.storages import make_storage
from headgate.results.stores import FoundResult, Origin, Results
from headgate.serializers import make_serializer
from headgate.settings import Settings, load_settings
from headgate.specs import ResultOptions
from headgate.states import Completed, Failed, State
from headgate.texts import text_of

logger = logging.getLogger(ENGINE)

_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.05, 1.0
"""How often one who waits for another's result looks for it."""


@dataclass(slots=True, kw_only=True)
class Keeping:
    """Where the result of one task run is looked for and kept.

    Args:
        key: as it is reported.
        is_asked: whether the task says so, and fails where it cannot be done; otherwise it is
            done as a service, and what cannot be kept is computed again.
        is_sought: whether a result that is there is used.
        is_outdated: whether what an earlier attempt of the run kept counts no more from now on.
        is_shown: whether the key says when the result is used again.
        since: what the run kept before it began anew in the state of this number does not count.
        guard: what keeps others from computing it meanwhile.
    """

    store: Results
    path: str
    key: str
    is_asked: bool
    is_sought: bool
    is_outdated: bool = False
    is_shown: bool = True
    since: int = 0
    expiration_seconds: float | None = None
    guard: Guard | None = None
    is_guarded: bool = False
    found: State[Any] | None = field(default=None)


def begin(context: TaskRunContext) -> Steps[Keeping | None]:
    """Say how the result of a task run is kept, and look for one that is there.

    Where others compute it just now and the policy says so, this waits for them.
    """
    keeping = yield from _decide(context)
    if keeping is None:
        return None
    if keeping.is_shown and (keeping.is_asked or keeping.is_sought):
        context.run.cache_key = keeping.key
    try:
        if keeping.is_outdated:
            yield from _outdate(context, keeping)
        yield from _seek(context, keeping)
    except BaseException:
        yield from let_go(keeping)
        raise
    if keeping.found is not None:
        yield from let_go(keeping)
    return keeping


def _seek(context: TaskRunContext, keeping: Keeping) -> Steps[None]:
    """Look for the result until it is there, or this run may compute it."""
    seconds = _FIRST_WAIT_SECONDS
    while True:
        if keeping.is_sought:
            keeping.found = yield from _look(context, keeping)
        if keeping.found is not None or keeping.guard is None or keeping.is_guarded:
            return
        # Once more after the lock is taken: whoever had it may have kept a result.
        keeping.is_guarded = yield from keeping.guard.take(is_refresh=not keeping.is_sought)
        if not keeping.is_guarded:
            yield Sleep(seconds)
            seconds = min(2 * seconds, _LONGEST_WAIT_SECONDS)


def keep(context: TaskRunContext, keeping: Keeping, state: State[Any]) -> Steps[State[Any]]:
    """Keep the result of a completed task run, and return the state to end in.

    A task that asked for it fails where its result cannot be kept.
    """
    if context.flow_run is not None and context.flow_run.replay is not None:
        context.run.cache_key = None
        return state
    expires_us = None
    if keeping.expiration_seconds is not None:
        expires_us = now_us() + int(keeping.expiration_seconds * 1_000_000)
    kept = context.flow_run.kept if context.flow_run else None
    origin = Origin(
        task=context.spec.key,
        task_run_id=context.run.id,
        flow_run_id=context.run.flow_run_id,
        since=kept.since if kept is not None else 0,
    )

    def write() -> Any:
        return keeping.store.write(
            keeping.path,
            state.data,
            key=keeping.key,
            origin=origin,
            expires_us=expires_us,
            limit_bytes=None if keeping.is_asked else MAX_BYTES,
        )

    try:
        record = yield _at(keeping.store, write)
    except Exception as error:  # noqa: BLE001 - of user code's value, or of the user's storage
        context.run.cache_key = None
        return _not_kept(context, keeping, state, error)
    context.run.cache_key = keeping.key if keeping.is_shown else None
    if keeping.guard is not None and keeping.is_guarded:
        keeping.is_guarded = False
        yield from keeping.guard.finish(record, path=keeping.path)
    return state


def let_go(keeping: Keeping | None) -> Steps[None]:
    """Let others compute a result that this run did not."""
    if keeping is not None and keeping.guard is not None and keeping.is_guarded:
        keeping.is_guarded = False
        yield from keeping.guard.give_back()


def _decide(context: TaskRunContext) -> Steps[Keeping | None]:
    if context.is_lazy:
        return None
    flow_run = context.flow_run
    settings = flow_run.settings if flow_run else load_settings()
    own = context.spec.results
    inherited = flow_run.spec.results if flow_run else ResultOptions()
    is_asked = _first(own.is_kept, inherited.is_kept, settings.is_result_kept)
    if is_asked:
        return (yield from _asked(context, _merged(own, inherited), settings=settings))
    kept = flow_run.kept if flow_run else None
    if is_asked is False or kept is None or isinstance(own.policy, NoCachePolicy):
        return None
    return _in_passing(context, kept, _merged(own, inherited), settings=settings)


def _asked(
    context: TaskRunContext, options: ResultOptions, *, settings: Settings
) -> Steps[Keeping | None]:
    policy: CachePolicy = options.policy if options.policy is not None else DEFAULT
    kept = context.flow_run.kept if context.flow_run else None
    try:
        key, path = yield from _key_and_path(context, options, policy)
    except Exception as error:  # noqa: BLE001 - user code: without a key the task is not cached
        logger_of(context).error(
            "No cache key could be made, so that the result is not kept", exc_info=user_error(error)
        )
        return None
    is_refresh = _first(options.is_refreshed, settings.is_cache_refreshed) or False
    is_again = kept is not None and key is not None and kept.is_again(key)
    store = _store(context, policy.key_storage or options.storage, options, settings=settings)
    keeping = Keeping(
        store=store,
        path=path,
        key=key or context.run.id,
        is_asked=True,
        is_sought=key is not None and not is_refresh and not is_again,
        is_shown=key is not None,
        since=kept.since if kept is not None and names_run(policy) else 0,
        expiration_seconds=options.expiration_seconds,
    )
    if key is not None:
        keeping.guard = make_guard(context, policy, key=key, settings=settings)
    return keeping


def _key_and_path(
    context: TaskRunContext, options: ResultOptions, policy: CachePolicy
) -> Steps[tuple[str | None, str]]:
    flow_run = context.flow_run
    if options.storage_key is not None:
        path = declared_name(
            options.storage_key, parameters=context.parameters, what=task_facts(context)
        )
        return path, path
    parameters = flow_run.run.parameters if flow_run else {}
    key = yield Call(policy.compute_key, args=(context, dict(context.parameters), parameters))
    if key is None:
        return None, f"task-runs/{context.run.id}"
    if is_of_one_task(policy):
        key = hash_values(context.spec.key, key)
    hashed = hash_values(str(key))
    return str(key), f"cache/{hashed[:2]}/{hashed}"


def _in_passing(
    context: TaskRunContext, kept: KeptResults, options: ResultOptions, *, settings: Settings
) -> Keeping | None:
    flow_run = context.flow_run
    try:
        key = kept.next_key(
            flow_run.spec.name if flow_run else None,
            context.spec.key,
            source_hash(context.spec.fn),
            context.parameters,
        )
    except SerializationError as error:
        logger.debug("The result is not kept for a rerun: %s", error)
        return None
    is_wanted = kept.is_wanted(key)
    return Keeping(
        store=_store(context, options.storage, options, settings=settings),
        path=kept.path_of(key),
        key=key,
        is_asked=False,
        is_sought=is_wanted,
        is_outdated=kept.has_past and not is_wanted,
        since=kept.since,
    )


def _outdate(context: TaskRunContext, keeping: Keeping) -> Steps[None]:
    """Have what was kept of the task count no more, for it may fail now."""
    store, path, key = keeping.store, keeping.path, keeping.key
    try:
        yield _at(store, lambda: outdate(store, path=path, key=key))
    except Exception as error:  # noqa: BLE001 - of the user's storage: the task is done all the same
        logger_of(context).warning(
            "The result that was kept of %s stays, and is used again should it fail now: %s",
            context.spec.name,
            text_of(error),
        )


def _look(context: TaskRunContext, keeping: Keeping) -> Steps[State[Any] | None]:
    """Return the state of a result that is there; one that cannot be read is computed again."""
    try:
        found: FoundResult | None = yield _at(
            keeping.store, lambda: keeping.store.find(keeping.path, key=keeping.key)
        )
    except Exception as error:  # noqa: BLE001 - of the user's storage: the task is done instead
        logger_of(context).warning(
            "The result that was kept of %s cannot be used, and is computed again: %s",
            context.spec.name,
            text_of(error),
        )
        return None
    if found is None or found.record.since < keeping.since:
        return None
    origin = found.record.task_run_id
    message = f"Result of task run {origin}" if origin else None
    return Completed(name="Cached", message=message, data=found.value)


def _not_kept(
    context: TaskRunContext, keeping: Keeping, state: State[Any], error: Exception
) -> State[Any]:
    what = f"The result of task {context.spec.name!r} cannot be kept: {text_of(error)}"
    if not keeping.is_asked:
        logger_of(context).info("%s; a rerun of this run does the task again", what)
        return state
    if isinstance(error, SerializationError):
        hint = (
            "Return something that can be stored, choose another result_serializer, or turn "
            "persistence off: @task(persist_result=False)"
        )
    else:
        hint = f"It goes to {keeping.store.storage!r}: see that it can be written, or name another"
    message = f"{what}. {hint}"
    logger_of(context).error(message)
    failure = ResultError(message)
    failure.__cause__ = error
    return Failed(message=message, data=failure)


def _store(
    context: TaskRunContext, storage: Any, options: ResultOptions, *, settings: Settings
) -> Results:
    serializer = make_serializer(options.serializer or settings.result_serializer)
    if storage is not None:
        return Results(make_storage(storage), serializer)
    flow_run = context.flow_run
    if flow_run is not None and flow_run.result_storage is not None:
        return Results(flow_run.result_storage, serializer)
    made = make_storage(settings.result_storage or settings.results_folder)
    if flow_run is not None:
        # One for the run: a block is loaded once.
        flow_run.result_storage = made
    return Results(made, serializer)


def _at(store: Results, function: Callable[[], Any]) -> Call | Offload:
    """Return how a storage is asked: in place where it answers at once, else in a thread."""
    return Call(function) if store.storage.is_near else Offload(function)


def _merged(own: ResultOptions, inherited: ResultOptions) -> ResultOptions:
    """Return the options of a task, with those of its flow where it has none."""
    if inherited.storage is None and inherited.serializer is None:
        return own
    return own.with_defaults(inherited)


def _first(*values: bool | None) -> bool | None:
    return next((value for value in values if value is not None), None)
