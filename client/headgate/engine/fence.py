"""The fence of a process that must not outlive its lease: it kills itself at the deadline.

The agent writes deadlines, later ones as it renews the lease. An agent that hangs writes none.
"""

import os
import selectors
import signal
import struct
import sys
import threading
import time

_DEADLINE = struct.Struct("d")
_GLANCE_SECONDS = 5.0
"""So late at most does a machine that slept notice."""


def seconds_since_boot() -> float:
    """Return the time that agent and child compare: of this machine, also while it sleeps."""
    if sys.platform == "linux":
        return time.clock_gettime(time.CLOCK_BOOTTIME)
    return time.monotonic()


def pack_deadline(deadline: float) -> bytes:
    """Return a deadline as the fence of a process reads it."""
    return _DEADLINE.pack(deadline)


def die_in_time(fence: int) -> None:
    """Watch the fence in the background, from now to the end of this process.

    Args:
        fence: the descriptor that deadlines come from.
    """
    threading.Thread(target=_keep_within, args=(fence,), daemon=True, name="fence").start()


def _keep_within(fence: int) -> None:
    """Kill this process group at the last deadline that was written, unless a later one comes."""
    deadline = float("inf")
    os.set_blocking(fence, False)
    with selectors.DefaultSelector() as selector:
        selector.register(fence, selectors.EVENT_READ)
        while (left := deadline - seconds_since_boot()) > 0:
            if not selector.get_map():
                time.sleep(min(left, _GLANCE_SECONDS))
            elif selector.select(min(left, _GLANCE_SECONDS)):
                data = os.read(fence, 65_536)
                if data:
                    deadline = max(value for (value,) in _DEADLINE.iter_unpack(data))
                else:
                    selector.unregister(fence)
                    if deadline == float("inf"):
                        return
    os.write(2, b"The agent has been silent for too long: this run may start again elsewhere.\n")
    os.killpg(0, signal.SIGKILL)
