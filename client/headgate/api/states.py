"""A run's state as the API tells and takes it."""

from datetime import datetime
from typing import Any

from headgate.api.calls import Answer


class StateAnswer(Answer, frozen=True):
    """One state of a run's history."""

    type: str
    name: str
    timestamp: datetime
    id: str = ""
    sequence: int = 0
    message: str | None = None
    details: Any = None
