"""An organization that floods the API: many connections that ask as fast as they are answered.

``python -m tests.load.flooding_tenant URL`` reads one line of JSON with ``token``,
``workspaceId`` and ``run`` (what creates a run), says ``flooding`` once every connection was
answered, and floods until its standard input ends; then it prints how often each asked.
"""

import json
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.load.http_calls import Caller
from tests.load.tenants import LIST

FLOODERS = 8
BATCH = 100

_BATCH = """mutation Batch($input: FlowRunCreateBatchInput!) {
  flowRunCreateBatch(input: $input) { results { flowRun { id } } errors { message } } }"""


class Flood:
    """One connection that keeps to no limit, and how far it is."""

    def __init__(self, url: str, given: dict[str, Any]) -> None:
        self.is_answered = threading.Event()
        self.is_over = False
        self._caller = Caller(url, given["token"])
        self._batch = {
            "input": {"workspaceId": given["workspaceId"], "runs": [given["run"]] * BATCH}
        }
        self._list = {"id": given["workspaceId"]}

    def run(self) -> int:
        """Ask until it is over; how often."""
        asked = 0
        while not self.is_over:
            self._caller.answer(_BATCH, self._batch)
            self._caller.answer(LIST, self._list)
            self.is_answered.set()
            asked += 2
        return asked


def main(arguments: Sequence[str]) -> None:
    given = json.loads(sys.stdin.readline())
    floods = [Flood(arguments[0], given) for _ in range(FLOODERS)]
    with ThreadPoolExecutor(FLOODERS) as threads:
        flooding = [threads.submit(flood.run) for flood in floods]
        for flood in floods:
            flood.is_answered.wait(timeout=60)
        sys.stdout.write("flooding\n")
        sys.stdout.flush()
        sys.stdin.read()
        for flood in floods:
            flood.is_over = True
    sys.stdout.write(json.dumps([one.result() for one in flooding]) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
