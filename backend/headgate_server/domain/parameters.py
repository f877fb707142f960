"""Checks a run's parameters against its deployment's JSON Schema, within a budget of steps."""

from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass
from functools import wraps
from graphlib import CycleError, TopologicalSorter
from itertools import islice
from typing import Any, cast

import orjson
from jsonschema import Draft202012Validator, validators
from jsonschema.exceptions import (
    SchemaError,
    UnknownType,
    ValidationError,
    best_match,  # pyright: ignore[reportUnknownVariableType]  # partly typed upstream
)
from jsonschema_specifications import REGISTRY
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.formats import is_of_format
from headgate_server.domain.multiples import is_multiple
from headgate_server.domain.templates import is_template

MAX_STEPS = 50_000
"""Keywords and their values looked at, for one request: a second or two of one thread."""
_MALFORMED = (
    TypeError,
    ValueError,
    AttributeError,
    LookupError,
    ArithmeticError,
    UnknownType,
)
"""What the keywords of a schema raise that are not what JSON Schema says they are."""

Check = Callable[[Any, Any, Any, dict[str, Any]], Iterator[Any] | None]


class OutOfSteps(Exception):
    """The budget is used up."""


@dataclass(slots=True)
class Budget:
    """How many steps are left; one budget may serve the runs of a whole batch."""

    steps: int = MAX_STEPS

    def spend(self, steps: int) -> None:
        """Take steps off.

        Raises:
            OutOfSteps: there are not that many left.
        """
        self.steps -= steps
        if self.steps < 0:
            raise OutOfSteps


_BUDGET: ContextVar[Budget] = ContextVar("budget of the schema check")


def _left_to_the_run(validator: Any, value: Any, instance: Any, schema: dict[str, Any]) -> None:
    """Check nothing here."""


def _additional_properties(
    validator: Any, allowed: Any, instance: Any, schema: dict[str, Any]
) -> Iterator[Any]:
    """Check for other properties, where no expression says which ones are others."""
    if "patternProperties" not in schema:
        yield from _KEYWORDS["additionalProperties"](validator, allowed, instance, schema)


def _unique_items(
    validator: Any, wanted: Any, instance: Any, schema: dict[str, Any]
) -> Iterator[Any]:
    """Compare items by their JSON text: in one pass, where comparing each with each is quadratic.

    1 and 1.0 count as different here; the run itself, which knows the types, has the last word.
    """
    if not wanted or not isinstance(instance, list):
        return
    items = cast("list[object]", instance)
    _BUDGET.get().spend(len(items))
    texts = {orjson.dumps(item, option=orjson.OPT_SORT_KEYS) for item in items}
    if len(texts) < len(items):
        yield ValidationError("the items are not all different")


def _required(validator: Any, names: Any, instance: Any, schema: dict[str, Any]) -> Iterator[Any]:
    """Name each property that is missing as the place of its error, as if it were there."""
    if isinstance(instance, dict) and isinstance(names, list):
        for name in cast("list[str]", names):
            if name not in instance:
                yield ValidationError("This is required.", path=[name])


def _multiple_of(validator: Any, step: Any, instance: Any, schema: dict[str, Any]) -> Iterator[Any]:
    is_number = isinstance(instance, int | float) and not isinstance(instance, bool)
    if is_number and not is_multiple(instance, of=step):
        yield ValidationError(f"{instance!r} is not a multiple of {step!r}")


def _format(validator: Any, format: Any, instance: Any, schema: dict[str, Any]) -> Iterator[Any]:
    if isinstance(instance, str) and isinstance(format, str) and not is_of_format(instance, format):
        yield ValidationError(f"{instance!r} is not a {format}")


def _counted(check: Check, *, spares_templates: bool = True) -> Check:
    @wraps(check)
    def counted(validator: Any, value: Any, instance: Any, schema: dict[str, Any]) -> Iterator[Any]:
        size = len(cast("list[object]", value)) if isinstance(value, list | dict) else 0
        _BUDGET.get().spend(1 + size)
        if spares_templates and is_template(instance):
            return
        yield from check(validator, value, instance, schema) or ()

    return counted


_KEYWORDS: Any = Draft202012Validator.VALIDATORS
_CHECKS: dict[str, Check] = {
    **_KEYWORDS,
    "pattern": _left_to_the_run,
    "patternProperties": _left_to_the_run,
    "unevaluatedProperties": _left_to_the_run,
    "additionalProperties": _additional_properties,
    "uniqueItems": _unique_items,
    "multipleOf": _multiple_of,
    "format": _format,
}
_Validator: Any = cast("Any", validators).extend(
    Draft202012Validator, {name: _counted(check) for name, check in _CHECKS.items()}
)
_FormValidator: Any = cast("Any", validators).extend(
    Draft202012Validator,
    {
        name: _counted(check, spares_templates=False)
        for name, check in {**_CHECKS, "required": _required}.items()
    },
)
"""Without regular expressions: one that backtracks cannot be counted in steps, and would hold the
whole process. The run itself checks them, in its own process, where they harm nobody else."""


def _keep_to(validator: Any) -> None:
    """Have a validator check all of a schema itself, also a part that names another dialect.

    The validators of other dialects count no steps, and match regular expressions.
    """
    evolve = validator.evolve

    def evolved(self: Any, **changes: Any) -> Any:
        schema = changes.get("schema")
        if isinstance(schema, dict):
            parts = cast("dict[str, Any]", schema)
            changes["schema"] = {name: parts[name] for name in parts if name != "$schema"}
        return evolve(self, **changes)

    validator.evolve = evolved


_keep_to(_Validator)
_keep_to(_FormValidator)


def check_schema(schema: dict[str, Any], *, field: str = "parameterSchema") -> None:
    """Refuse what is not a JSON Schema, there or anywhere that it refers to inside itself.

    Refused is also what no value could be checked against: a schema that applies itself to the
    value that it is applied to, or more keywords than a check may take steps.

    Raises:
        InvalidInput: the schema is malformed, refers to what it does not hold, or checks without
            end; the message names the place.
    """
    try:
        Draft202012Validator.check_schema(schema)
        _check_references(schema)
    except SchemaError as error:
        raise InvalidInput(f"{field} is not a JSON Schema: {error.message}", path=[field]) from None
    except CycleError:
        raise InvalidInput(
            f"{field} refers to itself without end: no value could be checked against it.",
            path=[field],
        ) from None
    except OutOfSteps:
        raise InvalidInput(
            f"{field} is too complex: checking one value takes more than {MAX_STEPS:,} steps.",
            path=[field],
        ) from None
    except Unresolvable as unresolved:
        raise InvalidInput(
            f"{field} refers to {unresolved.ref}, which it does not hold.", path=[field]
        ) from None
    except (RecursionError, *_MALFORMED):
        raise InvalidInput(
            f"{field} is not a JSON Schema: it cannot be followed to its end.", path=[field]
        ) from None


def _check_references(schema: dict[str, Any]) -> None:
    """Follow every reference of a schema: it may lead to where no keyword says a schema is.

    Raises:
        Unresolvable: one leads nowhere.
        SchemaError: one leads to what is no schema.
        CycleError: a part is applied to what it is applied to, again and again.
        OutOfSteps: a part takes too many steps at one value.
    """
    own_steps: dict[int, int] = {}
    applied: dict[int, list[int]] = {}
    pending = [(DRAFT202012.create_resource(schema), _resolver_of(schema), True)]
    seen: set[int] = set()
    while pending:
        resource, resolver, is_checked = pending.pop()
        part: Any = resource.contents
        place = id(part)
        if place in seen:
            continue
        if not is_checked:
            Draft202012Validator.check_schema(part)
        seen.add(place)
        pending += [(it, resolver.in_subresource(it), True) for it in resource.subresources()]
        if isinstance(part, dict):
            keywords = cast("dict[str, Any]", part)
            own_steps[place] = _steps_of(keywords)
            applied[place] = [id(it) for it in _applied_at_once(keywords)]
            for reference in _references(keywords):
                found = resolver.lookup(reference)
                applied[place].append(id(found.contents))
                target = DRAFT202012.create_resource(found.contents)
                # What the schema itself holds as a schema is come by first, and looked at once.
                pending.insert(0, (target, found.resolver, False))
    _check_steps(own_steps, applied)


def _steps_of(part: dict[str, Any]) -> int:
    """Return how many steps the keywords of a part take themselves, as they are counted."""
    sizes = (len(cast("list[Any]", it)) for it in part.values() if isinstance(it, list | dict))
    return len(part) + sum(sizes)


def _applied_at_once(part: dict[str, Any]) -> Iterator[Any]:
    """Yield the parts of a schema that its keywords apply to the very value that it is applied to.

    All others are applied to what the value holds, and end with that.
    """
    for keyword in ("allOf", "anyOf", "oneOf"):
        yield from part.get(keyword, ())
    yield from (part[keyword] for keyword in ("not", "if", "then", "else") if keyword in part)
    yield from part.get("dependentSchemas", {}).values()


def _check_steps(own_steps: dict[int, int], applied: dict[int, list[int]]) -> None:
    """Refuse parts that take too many steps at one value, with all that they apply to it.

    Raises:
        CycleError: they would never end.
        OutOfSteps: they take more than a check may.
    """
    steps: dict[int, int] = {}
    for part in TopologicalSorter(applied).static_order():
        steps[part] = own_steps.get(part, 1) + sum(steps[one] for one in applied.get(part, ()))
        if steps[part] > MAX_STEPS:
            raise OutOfSteps


def _resolver_of(schema: dict[str, Any]) -> Any:
    """Return what finds the parts of a schema that it refers to, and fetches nothing.

    The schema is gone through once: found as they are asked for, each name costs another walk.
    """
    root = DRAFT202012.create_resource(schema)
    place = root.id() or ""
    return cast("Any", REGISTRY).with_resource(place, root).crawl().resolver(place)


def _references(part: dict[str, Any]) -> Iterator[str]:
    for keyword in ("$ref", "$dynamicRef"):
        if keyword in part:
            yield part[keyword]


def check_parameters(
    parameters: dict[str, Any], *, schema: dict[str, Any], budget: Budget | None = None
) -> None:
    """Refuse parameters that do not fit the schema.

    References are resolved inside the schema only: nothing is fetched. Templates of variables and
    blocks fit everywhere: only the run knows what they stand for, and checks it. Up to two seconds
    of pure Python: an event loop has it done in a thread.

    Args:
        budget: shared by the runs of one request; its own of 50,000 steps by default.

    Raises:
        InvalidInput: naming the parameter and what is wrong with it, or that the check takes too
            many steps or the schema is none.
    """
    try:
        error = _find_worst(parameters, schema=schema, budget=budget)
    except Unresolvable as unresolved:
        raise InvalidInput(
            f"parameterSchema refers to {unresolved.ref}, which it does not hold; deploy again.",
            path=["parameterSchema"],
        ) from None
    except RecursionError:
        raise InvalidInput(
            "parameterSchema refers to itself without end; correct it and deploy again.",
            path=["parameterSchema"],
        ) from None
    except _MALFORMED:
        raise InvalidInput(
            "parameterSchema is not a JSON Schema; correct it and deploy again.",
            path=["parameterSchema"],
        ) from None
    except OutOfSteps:
        raise InvalidInput(
            "The parameters take too long to check against parameterSchema; give smaller ones, or "
            "deploy with a simpler schema or without enforceParameterSchema.",
            path=["parameters"],
        ) from None
    if error is not None:
        raise _problem(error, field="parameters")


def check_declared(
    value: dict[str, Any], *, schema: dict[str, Any], field: str, budget: Budget | None = None
) -> None:
    """Refuse what does not fit a schema, as ``check_parameters`` does.

    A schema that cannot be followed, as nobody looked at it when it was stored, refuses nothing.

    Raises:
        InvalidInput: naming the value and what is wrong with it, or that the check takes too long.
    """
    try:
        error = _find_worst(value, schema=schema, budget=budget)
    except OutOfSteps:
        raise InvalidInput(
            f"{field} takes too long to check; give fewer or smaller values.", path=[field]
        ) from None
    except (Unresolvable, RecursionError, *_MALFORMED):
        return
    if error is not None:
        raise _problem(error, field=field)


def _find_worst(value: Any, *, schema: dict[str, Any], budget: Budget | None) -> Any:
    """Return the error that says most of what is wrong with a value; None where it fits."""
    token = _BUDGET.set(budget or Budget())
    try:
        validator = _Validator(schema, _resolver=_resolver_of(schema))
        return cast("Any", best_match)(validator.iter_errors(value))
    finally:
        _BUDGET.reset(token)


def find_problems(
    value: Any, *, schema: dict[str, Any], field: str, most: int
) -> list[InvalidInput]:
    """Return what is wrong with what a person filled in, each with the field that it is about.

    Templates are no different from other texts here: nobody resolves them. Regular expressions are
    left to the run. References are resolved inside the schema only.

    Args:
        value: what was filled in.
        schema: what it is to fit.
        field: what the value is called: every path begins with it.
        most: so many are told.

    Raises:
        InvalidInput: the schema refers to what it does not hold or to itself without end, or the
            check takes more than 50,000 steps, or it is no JSON Schema where it refers to.
    """
    token = _BUDGET.set(Budget())
    try:
        validator = _FormValidator(schema, _resolver=_resolver_of(schema))
        errors = [*islice(validator.iter_errors(value), most)]
    except (Unresolvable, RecursionError, OutOfSteps, *_MALFORMED):
        raise InvalidInput(
            f"{field} cannot be checked: its schema is too complex, or refers to what it does not "
            "hold. Reject it, or cancel the run; then correct the flow and start it again.",
            path=[field],
        ) from None
    finally:
        _BUDGET.reset(token)
    return [_problem(error, field=field) for error in errors]


def _problem(error: Any, *, field: str) -> InvalidInput:
    path = [field, *(str(part) for part in error.absolute_path)]
    return InvalidInput(f"{'.'.join(path)}: {error.message[:500]}", path=path)
