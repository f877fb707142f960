"""Arguments and results of background tasks on their way through the queue.

What JSON holds as it is travels with the task; anything else is kept in the task's result storage,
and the queue holds where. So the server never holds a pickle, and no worker reads one from it.
"""

import math
import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

import orjson

from headgate.errors import ResultError
from headgate.redaction import redactor
from headgate.results.kept import sweep
from headgate.results.storages import make_storage
from headgate.results.stores import Origin, Results
from headgate.serializers import PickleSerializer, make_serializer
from headgate.settings import Settings
from headgate.specs import TaskSpec
from headgate.states import Completed, State, StateType
from headgate.texts import storable_json, text_of

FOLDER = "background"
RESULT = "result-"
"""How the files of what came of a call begin; one for each epoch."""
MAX_PLAIN_BYTES = 32 * 1024
"""Of what travels with the task: half of what the server takes."""

_VALUE, _PLACE = "value", "keptAt"
_MAX_NUMBER = 2**53
"""Beyond it, or with an exponent, a number may come back as another one."""


def store_of(spec: TaskSpec, *, settings: Settings) -> Results:
    """Return where the results of a task are kept."""
    named = spec.results.storage or settings.result_storage or settings.results_folder
    serializer = make_serializer(spec.results.serializer or settings.result_serializer)
    return Results(make_storage(named), serializer)


def pack_arguments(arguments: dict[str, Any], *, id_: str, store: Results) -> dict[str, Any]:
    """Return the arguments of a call as the queue holds them.

    Raises:
        SerializationError: one of them can neither be written as JSON nor be pickled.
        OSError: the storage did not take them.
    """
    pickling = Results(store.storage, PickleSerializer())
    return _packed(arguments, path=f"{FOLDER}/{id_}/arguments", store=pickling, id_=id_)


def pack_result(value: Any, *, id_: str, epoch: int, store: Results) -> dict[str, Any]:
    """Return what a call returned, or raised, as the queue holds it.

    Raises:
        SerializationError: nothing can stand for it.
        OSError: the storage did not take it.
    """
    return _packed(value, path=f"{FOLDER}/{id_}/{RESULT}{epoch}", store=store, id_=id_)


def unpack(
    document: Any,
    *,
    id_: str,
    store: Results,
    mask: Callable[[list[str]], None] = redactor.add,
) -> Any:
    """Return the value that the queue holds, or that lies where it says.

    Args:
        mask: called with the secrets in it before it is read.

    Raises:
        ResultError: it is not there, or cannot be read here.
    """
    if not isinstance(document, Mapping):
        message = "the queue holds nothing of it"
        raise ResultError(message)
    entries = cast("Mapping[str, Any]", document)
    if _VALUE in entries:
        return entries[_VALUE]
    path = str(entries.get(_PLACE))
    found = store.find(path, key=id_, mask=mask)
    if found is None:
        message = (
            f"{path} is not in {store.storage!r}: name a storage that callers and workers share, "
            "with result_storage or HEADGATE_RESULT_STORAGE"
        )
        raise ResultError(message)
    return found.value


def state_from(
    *, type_: str, name: str, message: str | None, result: Any, id_: str, store: Results
) -> State[Any]:
    """Return the state of a call, with what it returned or raised as far as that can be read."""
    kind = StateType(type_)
    if kind is StateType.COMPLETED:
        try:
            return Completed(name=name, message=message, data=unpack(result, id_=id_, store=store))
        except Exception as error:  # noqa: BLE001 - of the user's storage
            said = f"The result of background task {id_} cannot be read: {text_of(error)}"
            return State(StateType.CRASHED, name="Crashed", message=said, data=ResultError(said))
    data: Any = None
    if result is not None:
        try:
            data = unpack(result, id_=id_, store=store)
        except Exception:  # noqa: BLE001 - of the user's storage
            # Where the exception cannot be read, its text is still told.
            data = None
    return State(kind, name=name, message=message, data=data)


def sweep_old(settings: Settings) -> threading.Thread | None:
    """Delete what calls left on this machine that ended long ago, once a day and beside the caller.

    The arguments of one that waits stay, however long that is.
    """
    return sweep(
        settings.results_folder,
        keep_days=settings.result_keep_days,
        of=FOLDER,
        is_over=lambda call: any(call.glob(f"{RESULT}*")),
    )


def _packed(value: Any, *, path: str, store: Results, id_: str) -> dict[str, Any]:
    if _is_plain(value) and len(orjson.dumps(value)) <= MAX_PLAIN_BYTES:
        return {_VALUE: value}
    store.write(path, value, key=id_, origin=Origin(task_run_id=id_))
    return {_PLACE: path}


def _is_plain(value: Any, *, depth: int = 0) -> bool:
    """Whether JSON gives a value back as it is, and nothing in it is to be masked."""
    if depth == 0 and redactor.is_needed and not _is_unmasked(value):
        return False
    kind = cast("Any", type(value))
    if value is None or kind is bool:
        return True
    if kind is int:
        return abs(value) < _MAX_NUMBER
    if kind is float:
        return math.isfinite(value) and "e" not in repr(value)
    if kind is str:
        return "\0" not in value and _is_encodable(value)
    if depth > 20:
        return False
    if kind is list:
        return all(_is_plain(item, depth=depth + 1) for item in value)
    if kind is dict:
        return all(
            type(key) is str
            and _is_plain(key, depth=depth + 1)
            and _is_plain(item, depth=depth + 1)
            for key, item in value.items()
        )
    return False


def _is_encodable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_unmasked(value: Any) -> bool:
    try:
        return storable_json(value) == value
    except (TypeError, ValueError, RecursionError):
        return False
