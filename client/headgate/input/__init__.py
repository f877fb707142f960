"""Typed input for flow runs: what a pause asks for, and what runs send each other."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.input.reader import InputReader
from headgate.input.run_input import (
    Approvers,
    AutomaticRunInput,
    BaseRunInput,
    GetInputHandler,
    RunInput,
    RunInputMetadata,
    asend_input,
    receive_input,
    send_input,
)

__all__ = [
    "Approvers",
    "AutomaticRunInput",
    "BaseRunInput",
    "GetInputHandler",
    "InputReader",
    "RunInput",
    "RunInputMetadata",
    "asend_input",
    "receive_input",
    "send_input",
]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
