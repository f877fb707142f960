"""Variables that a deployment names where it is stored, and not where its runs begin."""

import re
from dataclasses import replace
from typing import Any

from headgate.deployments.storing import DeploymentSpec
from headgate.errors import EntrypointError
from headgate.variables import Variable

_VARIABLE = re.compile(r"\{\{\s*variables\.([^{}\s]+)\s*\}\}")
_MISSING = object()


def with_variables(spec: DeploymentSpec) -> DeploymentSpec:
    """Return a deployment whose pool, queue, tags, version and description have their variables.

    Parameters, job variables and pull steps keep their templates: those are filled in for each run.

    Raises:
        EntrypointError: there is no such variable.
        ApiError: the server could not be asked.
    """
    return replace(
        spec,
        work_pool=_filled(spec.work_pool),
        work_queue=_filled(spec.work_queue),
        tags=None if spec.tags is None else [_filled(tag) for tag in spec.tags],
        version=_filled(spec.version),
        description=_filled(spec.description),
    )


def _filled(text: Any) -> Any:
    return _VARIABLE.sub(_value, text) if isinstance(text, str) else text


def _value(match: re.Match[str]) -> str:
    value: Any = Variable.get(match[1], _MISSING)
    if value is _MISSING:
        message = f"There is no variable {match[1]!r}, which the deployment names"
        raise EntrypointError(message)
    return value if isinstance(value, str) else str(value)
