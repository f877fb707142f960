"""What every job of a work pool is made of: defaults of job variables, and what the pool fixes.

A template is ``{"variables": …, "job_configuration": …}``. ``variables`` is a JSON Schema of an
object: the job variables that a deployment and a run may give, with their defaults.
``job_configuration`` has job variables that the pool says itself, in which ``{{ name }}`` stands
for one of those. What was stored before anybody looked at it may have any shape, and then says
nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from headgate_server.domain import templates
from headgate_server.domain.deployments import check_job_variables, is_environment_variable
from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.parameters import Budget, check_declared, check_schema
from headgate_server.domain.permissions import Scope

FIELD = "baseJobTemplate"
VARIABLES, CONFIGURATION = "variables", "job_configuration"
NEEDED_SCOPES = frozenset({Scope.FLOWS_WRITE, Scope.RUNS_WRITE, Scope.BLOCKS_USE})
"""What changing a template takes beside the pool: it decides what code of others does, as a change
of every deployment of the pool would, with the blocks that they read and the runs they start."""
_DECLARING = frozenset(
    {"properties", "patternProperties", "additionalProperties", "$defs", "definitions"}
)
"""The keywords that say something of single variables, and not of what one layer must hold."""
MAX_PLACEHOLDERS = 1_000
"""As many as a claim of a hundred jobs fills in within a fifth of a second."""
_EXPECTED = (
    'A template is {"variables": {"type": "object", "properties": {NAME: {"type": …, "default": …}'
    '}}, "job_configuration": {NAME: value}}, and {} says nothing'
)


@dataclass(frozen=True, slots=True)
class JobVariables:
    """What a job is told, and why nobody may start it; None where somebody may."""

    values: dict[str, Any]
    refused: str | None = None


def check_template(template: dict[str, Any]) -> None:
    """Refuse what no job could be made of.

    Up to a second of pure Python: an event loop has it done in a thread.

    Raises:
        InvalidInput: another shape, a schema that is none, a default that it refuses, or a name
            in the configuration that it does not declare; the path leads there.
    """
    for name in template:
        if name not in {VARIABLES, CONFIGURATION}:
            raise InvalidInput(f"{_EXPECTED}; {name[:100]!r} is not a part of it.", path=[FIELD])
        if not isinstance(template[name], dict):
            raise InvalidInput(f"{_EXPECTED}; {name} is an object.", path=[FIELD, name])
    schema = cast("dict[str, Any]", template.get(VARIABLES, {}))
    _check_variables(schema)
    configuration = cast("dict[str, Any]", template.get(CONFIGURATION, {}))
    path = [FIELD, CONFIGURATION]
    named = templates.list_placeholders(configuration)
    if len(named) > MAX_PLACEHOLDERS:
        raise InvalidInput(
            f"{CONFIGURATION} names job variables {len(named):,} times; "
            f"{MAX_PLACEHOLDERS:,} at most.",
            path=path,
        )
    for name in sorted(set(named)):
        if name not in schema.get("properties", {}):
            raise InvalidInput(
                f"{CONFIGURATION} names {{{{ {name} }}}}, which variables.properties does not "
                "declare; declare it there, or write variables.NAME for a variable of the "
                "workspace.",
                path=path,
            )
    if not isinstance(configuration.get("env"), str) or not templates.is_placeholder(
        configuration["env"]
    ):
        _check_environment(configuration, path=path)


def check_given(
    given: Mapping[str, Any] | None,
    *,
    template: dict[str, Any] | None,
    budget: Budget | None = None,
    field: str = "jobVariables",
) -> None:
    """Refuse job variables that a pool's template refuses, as far as it declares them.

    What it requires may come from another layer, and is not asked for; null takes away what another
    says, and fits every variable. Up to two seconds of pure Python: an event loop has it done in a
    thread.

    Raises:
        InvalidInput: the path leads to the value.
    """
    declared = {
        name: part for name, part in _schema_of(template or {}).items() if name in _DECLARING
    }
    if given and declared:
        is_closed = declared.get("additionalProperties") is False
        checked = {
            name: value
            for name, value in given.items()
            if value is not None or (is_closed and name not in declared["properties"])
        }
        check_declared(checked, schema=declared, field=field, budget=budget)


def layered(*layers: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return job variables with the later layers over the earlier ones.

    ``env`` is laid over name by name, everything else as a whole; null takes away what is below.
    """
    found: dict[str, Any] = {}
    for layer in layers:
        below = found.get("env")
        found.update(layer or {})
        above = found.get("env")
        if isinstance(below, dict) and isinstance(above, dict):
            found["env"] = {**below, **above}
    return found


def make_job_variables(
    template: dict[str, Any] | None,
    *,
    deployment: Mapping[str, Any] | None,
    run: Mapping[str, Any] | None,
) -> JobVariables:
    """Return what a job is told: the run's variables over the deployment's over the pool's.

    What the pool's configuration says is over all of them, but for ``env``, whose names are below
    those of the deployment and the run. A whole ``{{ name }}`` without a value is left out.
    """
    stored = template or {}
    values = layered(_defaults(_schema_of(stored)), deployment, run)
    configuration: object = stored.get(CONFIGURATION)
    if not isinstance(configuration, dict) or not configuration:
        return JobVariables(values)
    named = templates.list_placeholders(cast("object", configuration))
    if len(named) > MAX_PLACEHOLDERS:
        # Stored before anybody looked at it: it says nothing.
        return JobVariables(values)
    written = templates.placed_length(named, values)
    if written > templates.MAX_WRITTEN_LENGTH:
        return JobVariables(values, _too_long(written))
    said = cast("dict[str, Any]", configuration)
    fixed = _with_sound_environment(templates.place(said, values))
    environment = layered({"env": fixed.get("env")}, {"env": values.get("env") or {}})
    return JobVariables({**values, **fixed, **(environment if "env" in fixed else {})})


def _check_variables(schema: dict[str, Any]) -> None:
    path = [FIELD, VARIABLES]
    if not schema:
        return
    properties: object = schema.get("properties")
    if schema.get("type", "object") != "object" or not isinstance(properties, dict):
        raise InvalidInput(
            f"{_EXPECTED}; variables is a JSON Schema of an object, with properties.", path=path
        )
    defaults: dict[str, Any] = {}
    for name, declared in cast("dict[str, object]", properties).items():
        if not isinstance(declared, dict):
            raise InvalidInput(
                f"{_EXPECTED}; {name[:100]!r} is declared by a JSON Schema, as "
                '{"type": "string", "default": "…"}.',
                path=[*path, "properties", name],
            )
        default = cast("dict[str, Any]", declared).get("default")
        if default is not None:
            defaults[name] = default
    try:
        check_schema(schema, field=f"{FIELD}.{VARIABLES}")
    except InvalidInput as error:
        raise InvalidInput(error.message, path=path) from None
    try:
        check_given(defaults, template={VARIABLES: schema}, field="defaults")
    except InvalidInput as error:
        name, *rest = error.path[1:] or ("",)
        raise InvalidInput(
            f"The default of a variable does not fit its own schema. {error.message}",
            path=[*path, "properties", name, "default", *rest],
        ) from None
    _check_environment(defaults, path=[*path, "properties", "env", "default"])


def _check_environment(variables: dict[str, Any], *, path: list[str]) -> None:
    try:
        check_job_variables(variables)
    except InvalidInput as error:
        raise InvalidInput(error.message, path=path) from None


def _schema_of(template: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a template's variables; an empty one where the shape is another."""
    schema: object = template.get(VARIABLES)
    if not isinstance(schema, dict):
        return {}
    found = cast("dict[str, Any]", schema)
    return found if isinstance(found.get("properties"), dict) else {}


def _defaults(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the defaults of a schema's properties; null is none."""
    found: dict[str, Any] = {}
    for name, declared in schema.get("properties", {}).items():
        said = cast("dict[str, Any]", declared) if isinstance(declared, dict) else {}
        default: object = said.get("default")
        if default is not None:
            found[name] = default
    return _with_sound_environment(found)


def _with_sound_environment(variables: dict[str, Any]) -> dict[str, Any]:
    """Return variables whose ``env`` a process can have; what is no variable of one is left out."""
    if "env" not in variables:
        return variables
    env: object = variables["env"]
    entries = cast("dict[str, object]", env) if isinstance(env, dict) else {}
    kept = {name: value for name, value in entries.items() if is_environment_variable(name, value)}
    return {**variables, "env": kept}


def _too_long(written: int) -> str:
    return (
        f"The job variables come to {written:,} characters in the template of the work pool, each "
        f"counted wherever job_configuration names it; a job takes "
        f"{templates.MAX_WRITTEN_LENGTH:,}. Name them less often there, or give smaller ones, and "
        "start the run again."
    )
