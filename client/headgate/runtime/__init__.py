"""What runs around this code: ``runtime.flow_run`` and ``runtime.task_run``, empty outside one."""

from headgate.runtime import flow_run, task_run

__all__ = ["flow_run", "task_run"]
