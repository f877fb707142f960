"""What can be said of the demo on the command line."""

import argparse
from dataclasses import dataclass
from datetime import UTC, datetime

from headgate_server.domain.users import OWNER_EMAIL

_LEAST_SCALE, _MOST_SCALE = 0.001, 1.0


@dataclass(frozen=True, slots=True)
class DemoOptions:
    """What the command line asks for.

    Args:
        scale: how much of the history, from 0.001 to 1.
        at: the moment that the demo is drawn at; None is now.
        may_mix: whether it may stand beside what others have made.
        owner: the address of somebody who shall own the organizations, too.
    """

    scale: float = 1.0
    at: datetime | None = None
    may_mix: bool = False
    owner: str = OWNER_EMAIL


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add what can be said of the demo to the command line."""
    parser.add_argument(
        "--demo", action="store_true", required=True, help="the demo; there is nothing else yet"
    )
    parser.add_argument("--scale", type=_scale, default=1.0, help="how much of it: 0.001 to 1")
    parser.add_argument(
        "--at", type=_moment, help="the moment it is drawn at, as 2026-11-28T12:00:00+00:00; now"
    )
    parser.add_argument(
        "--beside-real-data", action="store_true", help="also where others have flows and runs"
    )
    parser.add_argument(
        "--owner", default=OWNER_EMAIL, help="somebody who shall own it, by their address"
    )


def options_of(parsed: argparse.Namespace) -> DemoOptions:
    """Return what the command line says."""
    return DemoOptions(
        scale=parsed.scale,
        at=parsed.at,
        may_mix=parsed.beside_real_data,
        owner=parsed.owner,
    )


def _scale(text: str) -> float:
    scale = float(text)
    if not _LEAST_SCALE <= scale <= _MOST_SCALE:
        message = f"is from {_LEAST_SCALE} to {_MOST_SCALE:g}"
        raise argparse.ArgumentTypeError(message)
    return scale


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        message = "is a moment such as 2026-11-28T12:00:00+00:00"
        raise argparse.ArgumentTypeError(message) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)
