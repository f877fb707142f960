"""Typed input for flow runs: what a pause asks for, and what runs send each other."""

from headgate.input.reader import InputReader
from headgate.input.run_input import (
    Approvers,
    AutomaticRunInput,
    RunInput,
    RunInputMetadata,
    receive_input,
    send_input,
)

__all__ = [
    "Approvers",
    "AutomaticRunInput",
    "InputReader",
    "RunInput",
    "RunInputMetadata",
    "receive_input",
    "send_input",
]
