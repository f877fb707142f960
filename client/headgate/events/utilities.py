"""Prefect's other place for what tells an event."""

from headgate.events.emitting import emit_event

__all__ = ["emit_event"]
