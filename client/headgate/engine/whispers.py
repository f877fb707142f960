"""The secrets that a run has read, told to the agent that reports what its process says.

What a process says past Python, and what programs say that it starts, reaches the agent unmasked:
so the agent is told each secret, on a pipe of their own, before the run has it. It keeps them in
its memory for as long as the process lives.
"""

import contextlib
import json
import logging
import os
from typing import cast

from headgate.redaction import Redactor, redactor

logger = logging.getLogger("headgate.agent")


def tell_agent(descriptor: int) -> None:
    """Tell the agent every secret that this process reads from now on."""
    os.set_inheritable(descriptor, False)

    def tell(texts: list[str]) -> None:
        rest = memoryview(json.dumps(texts).encode() + b"\n")
        # An agent that is gone reports nothing any more.
        with contextlib.suppress(BrokenPipeError):
            while rest:
                rest = rest[os.write(descriptor, rest) :]

    redactor.tell(tell)


class Whispers:
    """What one process tells of its secrets; ``redactor`` masks them.

    Args:
        descriptor: the pipe's end that the agent reads; it is not blocking from here on.
    """

    def __init__(self, descriptor: int) -> None:
        self.redactor = Redactor()
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
            self.redactor.add(cast("list[str]", json.loads(line)))
        except ValueError:
            # Its text would quote what was told.
            logger.warning("A run told of a secret what cannot be read, so it is not masked")
