"""``headgate deploy --plan``: what would change, for people and for programs."""

import json
from collections.abc import Sequence
from typing import Any

from headgate.cli.output import Columns, Format, say, show_list
from headgate.deployments.plans import Plan

_SIGNS = {"create": "+", "change": "~", "keep": "="}
_HIDDEN = "parameter_schema"
"""Long, and follows from the flow: that it changes is said, and not how."""


def show_plans(plans: Sequence[Plan], *, output: Format) -> None:
    """Print what would become of each deployment, and how many change on standard error."""
    if output != "table":
        columns: Columns[Plan] = {"deployment": lambda plan: plan.deployment}
        show_list(plans, columns=columns, output=output)
    else:
        rows = [row for plan in plans for row in _rows(plan)]
        shown: Columns[tuple[str, str, str, str]] = {
            "deployment": lambda row: row[0],
            "field": lambda row: row[1],
            "before": lambda row: row[2],
            "after": lambda row: row[3],
        }
        show_list(rows, columns=shown, output=output)
    counts = {verb: sum(plan.verb == verb for plan in plans) for verb in _SIGNS}
    say(
        f"{counts['create']} to create, {counts['change']} to change, "
        f"{counts['keep']} as they are; nothing was stored."
    )


def _rows(plan: Plan) -> list[tuple[str, str, str, str]]:
    name = f"{_SIGNS[plan.verb]} {plan.deployment}"
    if not plan.changes:
        return [(name, "", "", "")]
    return [
        (name, change.field, *_shown(change.field, change.before, change.after))
        for change in plan.changes
    ]


def _shown(field: str, before: Any, after: Any) -> tuple[str, str]:
    if field == _HIDDEN:
        return ("" if before is None else "(other)", "(of the flow)")
    return _text(before), _text(after)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
