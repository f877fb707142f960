"""The secrets that a run has read, told to the agent that reports what its process says.

And which hooks the agent is to have called where the process does not come to call them.

What a process says past Python, and what programs say that it starts, reaches the agent unmasked:
so the agent is told each secret, on a pipe of their own, before the run has it. It keeps them in
its memory for as long as the process lives.
"""

import contextlib
import json
import logging
import os
from typing import Any, cast

from headgate.redaction import Redactor, redactor
from headgate.specs import Hooks

logger = logging.getLogger("headgate.agent")


HOOK_KINDS = {"CRASHED": 1, "CANCELLED": 2}
"""By what the hooks of an end are told: numbers, too short for any agent to mask them."""
_pipes: list[tuple[int, tuple[int, int]]] = []
"""Where this process tells, if it was started by an agent: a descriptor, and what it leads to."""


def tell_agent(descriptor: int) -> None:
    """Tell the agent every secret that this process reads from now on."""
    os.set_inheritable(descriptor, False)
    _pipes[:] = [(descriptor, _end_of(descriptor))]
    redactor.tell(_tell_texts)


def tell_hooks(hooks: Hooks) -> None:
    """Tell the agent which hooks it is to have called if this process ends without a word."""
    found = {"CRASHED": hooks.on_crashed, "CANCELLED": hooks.on_cancellation}
    # JSON, without a library that user code may have changed.
    _tell(str([HOOK_KINDS[type_] for type_, functions in found.items() if functions]))


def _tell_texts(texts: list[str]) -> None:
    _tell(json.dumps(texts))


def _tell(line: str) -> None:
    for descriptor, end in _pipes:
        rest = memoryview(line.encode() + b"\n")
        # An agent that is gone reports nothing any more; user code may have closed the descriptor,
        # and another file may have its number.
        with contextlib.suppress(OSError):
            while rest and _end_of(descriptor) == end:
                rest = rest[os.write(descriptor, rest) :]


def _end_of(descriptor: int) -> tuple[int, int]:
    status = os.fstat(descriptor)
    return status.st_dev, status.st_ino


class Whispers:
    """What one process tells: ``redactor`` masks its secrets, ``hooks`` it has not called yet.

    Args:
        descriptor: the pipe's end that the agent reads; it is not blocking from here on.
    """

    def __init__(self, descriptor: int) -> None:
        self.redactor = Redactor()
        self.hooks: frozenset[int] = frozenset()
        self.is_over = False
        self.descriptor = descriptor
        self._rest = b""
        os.set_blocking(descriptor, False)

    def hear(self) -> None:
        """Take in all that has been told: what was said after it is masked from here on."""
        while not self.is_over:
            try:
                heard = os.read(self.descriptor, 65_536)
            except BlockingIOError:
                return
            self.is_over = not heard
            *lines, self._rest = (self._rest + heard).split(b"\n")
            for line in lines:
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            told = cast("list[Any]", json.loads(line))
            if all(isinstance(each, int) for each in told):
                self.hooks = frozenset(told)
            else:
                self.redactor.add(told)
        except (TypeError, ValueError):
            # Its text would quote what was told.
            logger.warning("A run told of a secret what cannot be read, so it is not masked")
