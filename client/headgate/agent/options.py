"""How an agent is to work."""

import platform
from dataclasses import dataclass, field
from pathlib import Path

from headgate.agent.work_stream import Carrier


@dataclass(frozen=True, slots=True)
class AgentOptions:
    """How an agent is to work.

    Args:
        limit: how many runs it holds at once.
        is_once: leave when nothing was offered for a moment and nothing runs.
        workspace: slugs of the organization and the workspace; None where the key is bound to one.
        queue_names: which queues of the pool it serves; None serves all.
        is_warm: fork runs from a warm interpreter where the platform allows it.
        carriers: what may carry the work stream, the best first.
        climb_seconds: how long to stay with a carrier before a better one is tried again.
    """

    pool: str
    name: str = field(default_factory=platform.node)
    limit: int = 10
    is_once: bool = False
    workspace: tuple[str, str] | None = None
    queue_names: tuple[str, ...] | None = None
    is_warm: bool = True
    folder: Path = field(default_factory=Path.cwd)
    carriers: tuple[Carrier, ...] = tuple(Carrier)
    climb_seconds: float = 30.0
