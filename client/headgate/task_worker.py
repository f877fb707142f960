"""Task workers: run what is queued with ``delay``; the names are Prefect's."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.background_tasks.serving import serve
from headgate.background_tasks.worker import TaskWorker

__all__ = ["TaskWorker", "serve"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
