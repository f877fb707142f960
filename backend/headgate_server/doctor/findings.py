"""What a finding is, how findings are shown, and what they come to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum

import orjson


class Level(StrEnum):
    """How much a finding matters."""

    OK = "OK"
    WARNING = "WARNING"
    ERROR = "ERROR"


EXIT_CODES = {Level.OK: 0, Level.ERROR: 1, Level.WARNING: 3}
"""2 is a command that was misspelt, as everywhere."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``remedy`` says what to do where it is not well."""

    check: str
    level: Level
    message: str
    remedy: str = ""


def well(check: str, message: str) -> Finding:
    """Return a finding that needs nothing done."""
    return Finding(check, Level.OK, message)


def warning(check: str, message: str, *, remedy: str) -> Finding:
    """Return a finding that will hurt before long."""
    return Finding(check, Level.WARNING, message, remedy)


def error(check: str, message: str, *, remedy: str) -> Finding:
    """Return a finding that hurts now."""
    return Finding(check, Level.ERROR, message, remedy)


def exit_code(findings: Sequence[Finding]) -> int:
    """Return 0 where all is well, 1 where something is broken, 3 where something will be."""
    levels = {finding.level for finding in findings}
    worst = next((level for level in (Level.ERROR, Level.WARNING) if level in levels), Level.OK)
    return EXIT_CODES[worst]


def as_text(findings: Sequence[Finding]) -> str:
    """Return the findings for people, one a line, each with its remedy below it."""
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{finding.level:<8} {finding.check:<11} {finding.message}")
        if finding.remedy:
            lines.append(f"{'':<21}{finding.remedy}")
    return "\n".join(lines) + "\n"


def as_json(findings: Sequence[Finding]) -> str:
    """Return the findings for programs: a list of objects."""
    shown = [asdict(finding) for finding in findings]
    return orjson.dumps(shown, option=orjson.OPT_INDENT_2).decode() + "\n"
