"""The runs that are part of a run and have ended, while the server has not heard it all of them."""

import asyncio
from typing import Protocol


class Part(Protocol):
    """A run that is part of another."""

    @property
    def has_begun(self) -> bool:
        """Whether the server knows of the run, or never will."""
        ...

    def leave_on_disk(self) -> None:
        """Stop and leave what waits to whoever tells it later."""
        ...


class Parts:
    """Those that one run waits for as it ends; used from the background loop only."""

    def __init__(self) -> None:
        self._runs: set[Part] = set()
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._runs)

    def have_begun(self) -> bool:
        """Whether the server knows of them all, or never will."""
        return all(run.has_begun for run in self._runs)

    def add(self, run: Part) -> None:
        """Wait for one more."""
        self._runs.add(run)
        self._is_empty.clear()

    def remove(self, run: Part) -> None:
        """Wait no longer for one."""
        self._runs.discard(run)
        if not self._runs:
            self._is_empty.set()

    async def wait(self) -> None:
        """Return once there are none."""
        await self._is_empty.wait()

    def leave_on_disk(self) -> None:
        """Leave what the server has not heard of them to whoever tells it later."""
        for run in tuple(self._runs):
            run.leave_on_disk()
