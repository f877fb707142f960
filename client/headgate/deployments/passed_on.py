"""What one run passes on to another as its parameters: JSON, and no secrets."""

from typing import Any

import orjson

from headgate.engine.stored_secrets import check_stored
from headgate.errors import ParameterError


def as_parameters(parameters: dict[str, Any]) -> dict[str, Any]:
    """Return parameters as the JSON that the other run gets.

    Raises:
        ParameterError: there is none for one of them, or a secret is in it: it would be stored.
    """
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        try:
            document = orjson.dumps(value, default=_dumped, option=orjson.OPT_NON_STR_KEYS).decode()
        except TypeError as error:
            message = f"The parameter {name!r} has no JSON form: {error}"
            raise ParameterError(message) from None
        check_stored(
            document,
            what=f"The parameter {name!r}",
            where="the run",
            instead="let the other flow load the block, or name it in the deployment's parameters",
        )
        found[name] = orjson.loads(document)
    return found


def _dumped(value: Any) -> Any:
    dump = getattr(value, "model_dump", None)
    if dump is None:
        message = f"{type(value).__name__} is not JSON"
        raise TypeError(message)
    return dump(mode="json")
