"""Runs flows and tasks: states, retries, timeouts, context."""

from typing import TYPE_CHECKING

from headgate import elsewhere

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
