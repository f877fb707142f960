"""Shifts the wall clock of a Python process by ``CHAOS_SHIFT_SECONDS``, for agents and their runs.

Found by the interpreter through PYTHONPATH. The monotonic clocks stay as they are, as on a machine
whose date is wrong. ``datetime`` reads the system by itself; the client, by rule, asks ``time``.
"""

import os
import time

_shift_ns = int(float(os.environ.get("CHAOS_SHIFT_SECONDS", "0")) * 1e9)
_time, _time_ns = time.time, time.time_ns

if _shift_ns:
    time.time = lambda: _time() + _shift_ns / 1e9
    time.time_ns = lambda: _time_ns() + _shift_ns
