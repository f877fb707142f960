"""How long sealing and opening a secret of 1 KiB takes."""

import time
from collections.abc import Callable
from uuid import UUID

from headgate_server.crypto.envelope import Place, SealingKey, make_secret, seal, unseal
from tests.load.figures import Figure

FIGURES = ("seal_1k_us", "open_1k_us")
RUNS = 50
CALLS = 200


def measure() -> list[Figure]:
    """Seal and open the same value many times; a sample is the mean of some calls."""
    key = SealingKey(id=UUID(int=1).bytes, secret=make_secret())
    context = Place(UUID(int=2), UUID(int=3), "password", 1).context
    plaintext = bytes(1024)
    blob = seal(key, plaintext, context=context)
    return [
        Figure("seal_1k_us", "us", _times(lambda: seal(key, plaintext, context=context))),
        Figure("open_1k_us", "us", _times(lambda: unseal(key, blob, context=context))),
    ]


def _times(call: Callable[[], bytes]) -> list[float]:
    samples: list[float] = []
    for _ in range(RUNS):
        started = time.perf_counter()
        for _ in range(CALLS):
            call()
        samples.append((time.perf_counter() - started) / CALLS * 1e6)
    return samples
