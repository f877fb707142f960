"""Samples: times that something must end at."""

import time


def wait(clock):
    # ruleid: deadlines-are-monotonic
    deadline = time.time() + 5
    # ruleid: deadlines-are-monotonic
    while deadline > time.time():
        # ruleid: deadlines-are-monotonic
        left = deadline - time.time()
    # ok: deadlines-are-monotonic
    began = time.time_ns() // 1000
    # ok: deadlines-are-monotonic
    until = time.monotonic() + 5
    # ok: deadlines-are-monotonic
    at = clock.now()
    return left, began, until, at
