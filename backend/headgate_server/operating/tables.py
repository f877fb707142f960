"""How commands of operators print what they found: columns for people, JSON for programs."""

from collections.abc import Iterable

import orjson


def packed(value: object) -> str:
    """Return a value as indented JSON."""
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def table(rows: Iterable[tuple[str, ...]]) -> str:
    """Return rows of text as columns."""
    lines = list(rows)
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )
