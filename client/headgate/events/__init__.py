"""Events: facts that user code tells, for automations and for people; ``emit_event`` as in Prefect.

Inside of a run they travel with its states and logs, in order and through an outage of the server;
the run and its task run are named as related. Elsewhere the configured key sends them at once.
"""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.api.events import Event as ReceivedEvent
from headgate.events.emitting import Event, emit_event

__all__ = ["Event", "ReceivedEvent", "emit_event"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
