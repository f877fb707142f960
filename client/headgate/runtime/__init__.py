"""What runs around this code: ``runtime.flow_run``, ``.task_run``, ``.deployment``.

A variable such as ``HEADGATE__RUNTIME__FLOW_RUN__NAME`` puts a value in the place of the real one.
"""

from headgate.runtime import deployment, flow_run, task_run

__all__ = ["deployment", "flow_run", "task_run"]
