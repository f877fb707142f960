"""What commands print: tables for people, JSON and YAML for programs; data goes to stdout."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar, cast

import msgspec
from cyclopts import Parameter

from headgate.clock import now_us
from headgate.texts import visible

T = TypeVar("T")

Format = Literal["table", "json", "yaml"]
DocumentFormat = Literal["json", "yaml"]
OutputOption = Annotated[
    Format, Parameter(name=("--output", "-o"), help="table, or json or yaml for programs")
]
Columns = Mapping[str, Callable[[T], Any]]
"""The heading of each column, and what it shows of an item."""

_COLOURS = {
    "SCHEDULED": "33",
    "PENDING": "33",
    "PAUSED": "33",
    "CANCELLING": "33",
    "RUNNING": "34",
    "COMPLETED": "32",
    "FAILED": "31",
    "CRASHED": "31",
    "CANCELLED": "90",
}
_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


def show_list(items: Sequence[T], *, columns: Columns[T], output: Format) -> None:
    """Print a list: a table, or everything about each item as the API names it."""
    if output != "table":
        write_document([msgspec.to_builtins(item) for item in items], output)
        return
    for index, line in enumerate(table_lines(items, columns=columns)):
        _write(f"{_bold(line)}\n" if index == 0 else f"{line}\n")


def table_lines(items: Sequence[T], *, columns: Columns[T]) -> list[str]:
    """Return a table as lines, its headings first."""
    rows = [[_cell(read(item)) for read in columns.values()] for item in items]
    headings = [heading.upper() for heading in columns]
    widths = [max(map(len, column)) for column in zip(headings, *rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in (headings, *rows)
    ]


def show_item(item: T, *, fields: Columns[T], output: Format) -> None:
    """Print one object: a field a line, or everything about it as the API names it."""
    if output != "table":
        write_document(msgspec.to_builtins(item), output)
        return
    width = max(map(len, fields))
    for name, read in fields.items():
        value = _cell(read(item)).replace("\n", "\n" + " " * (width + 2))
        _write(f"{_bold(name.ljust(width))}  {value}".rstrip() + "\n")


def say(message: str) -> None:
    """Tell the reader something that is no data, on standard error."""
    sys.stderr.write(f"{visible(message)}\n")
    sys.stderr.flush()


def coloured_state(type_: str, *, text: str, is_tty: bool) -> str:
    """Return a state's name in its colour where a terminal shows it."""
    return f"\x1b[{_COLOURS.get(type_, '0')}m{visible(text)}\x1b[0m" if is_tty else text


def age(moment: datetime | None) -> str:
    """Return how long ago a moment was, or in how long it will be; empty for none."""
    if moment is None:
        return ""
    seconds = now_us() / 1_000_000 - moment.timestamp()
    words = span(timedelta(seconds=abs(seconds)))
    return f"{words} ago" if seconds >= 0 else f"in {words}"


def span(length: timedelta | None) -> str:
    """Return a length of time in its two largest units; empty for none."""
    if length is None:
        return ""
    seconds = length.total_seconds()
    if seconds < 10:
        return f"{seconds:.1f} s"
    for index, (size, unit) in enumerate(_AGES[:-1]):
        if seconds >= size:
            smaller, smaller_unit = _AGES[index + 1]
            rest = int(seconds % size // smaller)
            return f"{int(seconds // size)} {unit}" + (f" {rest} {smaller_unit}" if rest else "")
    return f"{int(seconds)} s"


def write_document(document: Any, output: Format) -> None:
    """Print a document as JSON or YAML."""
    if output == "json":
        _write(json.dumps(document, indent=2, ensure_ascii=False, default=str) + "\n")
        return
    import yaml  # noqa: PLC0415 - named lazy-import place: only for -o yaml

    _write(yaml.safe_dump(document, sort_keys=False, allow_unicode=True))


def _write(text: str) -> None:
    """Write data; what this terminal or file cannot encode, as half a surrogate pair, is a "?"."""
    encoding = sys.stdout.encoding or "utf-8"
    sys.stdout.write(text.encode(encoding, "replace").decode(encoding))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return visible(", ".join(str(part) for part in cast("list[Any]", value)))
    if isinstance(value, dict):
        return visible(json.dumps(value, ensure_ascii=False, default=str))
    return visible(str(value))


def _bold(text: str) -> str:
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else text
