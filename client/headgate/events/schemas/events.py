"""Prefect's other place for events."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.api.events import Event as ReceivedEvent
from headgate.events.emitting import Event

__all__ = ["Event", "ReceivedEvent"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
