"""Task workers: run what is queued with ``delay``; the names are Prefect's."""

from headgate.background_tasks.serving import serve
from headgate.background_tasks.worker import TaskWorker

__all__ = ["TaskWorker", "serve"]
