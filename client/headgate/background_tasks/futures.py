"""The future of a background task: follows it on the server once somebody waits."""

import asyncio
import contextvars
from collections.abc import Callable
from typing import Any, TypeVar

from headgate.api import background_tasks
from headgate.api.background import background_loop
from headgate.api.background_tasks import BackgroundTask
from headgate.api.transport import Transport, retry_delay_seconds
from headgate.background_tasks.values import state_from
from headgate.errors import ApiError, RetryableApiError
from headgate.futures import Future
from headgate.results.stores import Results
from headgate.states import Crashed, Scheduled, State, StateType

R = TypeVar("R", covariant=True)


class BackgroundFuture(Future[R]):
    """The outcome of a background task, now or later, wherever it runs.

    Args:
        id_: of the background task.
        store: where its result is read from.
    """

    __slots__ = ("_context", "_is_followed", "_store", "_transport", "_workspace_id")

    def __init__(
        self, id_: str, *, transport: Transport, workspace_id: str, store: Results
    ) -> None:
        super().__init__(id_)
        self._transport = transport
        self._workspace_id = workspace_id
        self._store = store
        self._context = contextvars.copy_context()
        self._is_followed = False
        self.watch(Scheduled)

    @property
    def state(self) -> State[R]:
        """What the task is in, as far as it was told since somebody asked first."""
        self._follow()
        return super().state

    @property
    def is_done(self) -> bool:
        """Whether the task is over, well or not."""
        self._follow()
        return super().is_done

    def wait(self, timeout: float | None = None) -> None:
        """Wait until the task is over, or for so many seconds."""
        self._follow()
        super().wait(timeout)

    async def wait_async(self) -> None:
        """Wait until the task is over, and let other coroutines run meanwhile."""
        self._follow()
        await super().wait_async()

    def add_done_callback(self, callback: Callable[[Future[Any]], object]) -> None:
        """Call back once the task is over; at once if it is."""
        self._follow()
        super().add_done_callback(callback)

    def _follow(self) -> None:
        if not self._is_followed:
            self._is_followed = True
            background_loop().submit(self._settle_at_end())

    async def _settle_at_end(self) -> None:
        failures = 0
        while True:
            try:
                async for task in background_tasks.updates(
                    self._transport, workspace_id=self._workspace_id, id=self.task_run_id
                ):
                    failures = 0
                    if await self._note(task):
                        return
            except RetryableApiError:
                # Streams end with the server's releases; the task goes on meanwhile.
                failures += 1
            except ApiError as error:
                self.settle(Crashed(message=f"The task cannot be followed: {error}", data=error))
                return
            await asyncio.sleep(retry_delay_seconds(failures))

    async def _note(self, task: BackgroundTask) -> bool:
        """Take a change in, and say whether it is the last one."""
        state: State[Any] = State(
            StateType(task.state_type), name=task.state_name, message=task.message
        )
        self.watch(lambda: state)
        if not state.is_final():
            return False

        def read() -> State[Any]:
            return state_from(
                type_=task.state_type,
                name=task.state_name,
                message=task.message,
                result=task.result,
                id_=task.id,
                store=self._store,
            )

        loop = asyncio.get_running_loop()
        self.settle(await loop.run_in_executor(None, self._context.run, read))
        return True


PrefectDistributedFuture = BackgroundFuture
