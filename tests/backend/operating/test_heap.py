"""The heap of a server that many agents stay connected to."""

import subprocess
import sys

GROWING = """
import gc
from headgate_server.app import settle_heap

settle_heap()
full = []
gc.callbacks.append(lambda phase, info: full.append(info["generation"] == 2))
kept = [{"key": [number]} for number in range(500_000)]
print(sum(full), len(kept), gc.isenabled(), len(full) > 0)
"""


def test_what_stays_is_not_looked_through_again_and_again() -> None:
    answer = subprocess.run(
        [sys.executable, "-c", GROWING], capture_output=True, text=True, check=True, timeout=60
    )

    assert answer.stdout.split() == ["0", "500000", "True", "True"]
