"""``headgate quotas``: list, usage."""

from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from headgate.api import quotas
from headgate.api.quotas import QuotaAnswer, UsageDayAnswer
from headgate.cli.connection import connect
from headgate.cli.output import Columns, OutputOption, age, show_list

_UNITS = ("B", "kB", "MB", "GB", "TB")
_STEP = 1000


def list_quotas(*, output: OutputOption = "table") -> None:
    """List the organization's quotas, and how much of each is used."""
    with connect() as server:
        found = server.call(quotas.list_quotas, organization=server.organization)
    columns: Columns[QuotaAnswer] = {
        "quota": lambda one: one.kind.lower().replace("_", " "),
        "used": lambda one: _amount(one, one.used),
        "limit": lambda one: "none" if one.limit is None else _amount(one, one.limit),
        "full": lambda one: f"{one.used / one.limit:.0%}" if one.limit else None,
        "starts anew": lambda one: age(one.resets_at),
        "the installation's": lambda one: one.is_default,
    }
    show_list(found, columns=columns, output=output)


def list_usage(
    *,
    days: Annotated[
        int,
        Parameter(help="how many days back, at most 400", validator=Number(gte=1, lte=400)),
    ] = 31,
    output: OutputOption = "table",
) -> None:
    """List what the organization used day by day, the latest first; idle days are left out."""
    with connect() as server:
        found = server.call(quotas.list_usage_days, organization=server.organization, days=days)
    columns: Columns[UsageDayAnswer] = {
        "day (UTC)": lambda one: one.day,
        "runs": lambda one: one.runs,
        "restarts": lambda one: one.restarts,
        "run data": lambda one: size(one.run_bytes),
        "API points": lambda one: one.api_points,
        "logs": lambda one: size(one.log_bytes),
    }
    show_list(found, columns=columns, output=output)


def size(count_bytes: float) -> str:
    """Return a number of bytes as people read it: 1.4 GB, in powers of 1,000."""
    value, unit = float(count_bytes), 0
    while value >= _STEP - 0.5 and unit < len(_UNITS) - 1:
        value, unit = value / _STEP, unit + 1
    text = f"{value:.0f}" if unit == 0 or value >= 100 else f"{value:.1f}".removesuffix(".0")
    return f"{text} {_UNITS[unit]}"


def _amount(quota: QuotaAnswer, amount: int) -> str:
    return size(amount) if "BYTES" in quota.kind else f"{amount:,}"
