"""What the web application takes of a real browser, on the whole demo."""

import json
import re
import tempfile
from collections.abc import Generator
from pathlib import Path

from tests.e2e.journeys import Journeys
from tests.load.figures import Figure

FIGURES = (
    "web_seed_s",
    "web_runs_paint_s",
    "web_run_10k_s",
    "web_run_10k_frame_ms",
    "web_run_10k_heap_mb",
    "web_log_1m_open_s",
    "web_log_1m_found_s",
    "web_log_1m_heap_mb",
    "web_idle_cpu_percent",
    "web_updates_per_s",
    "web_updates_key_ms",
)
SECONDS = 600.0
_SEEDED = re.compile(r"The demo is there: .* rows in ([\d.]+) s")


def measure() -> Generator[Figure]:
    with tempfile.TemporaryDirectory(prefix="headgate-web-") as name:
        folder = Path(name)
        figures = Journeys(folder, files="journeys/**/*.figures.ts", demo=1.0, seconds=SECONDS)
        figures.run()
        seeded = _SEEDED.search((folder / "server.log").read_text())
        if seeded is None:
            raise RuntimeError("The server does not say how long the demo took.")
        yield Figure("web_seed_s", "s", [float(seeded.group(1))])
        for line in (folder / "figures.jsonl").read_text().splitlines():
            told = json.loads(line)
            yield Figure(told["figure"], told["unit"], told["samples"])
