"""What each flow of the documentation comes to, whichever way it runs."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

SERVER = "The flow needs a server."
AGENT = "The flow needs an agent, which starts it again."


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A flow, and what is expected of a run of it.

    Args:
        given: names of the parameters that a test gives: ``folder``, ``site``, ``watermark``.
        result: what it returns; the message of its state where it does not complete.
        tasks: keys of the task runs with those of its subflows, each with ``:State`` unless it is
            Completed, and with ``*n`` where there are several.
        flows: states of the flow runs below it, in the same form.
        left: how many artifacts, events and materializations there are.
        needs: without what it only says what it lacks, in a message with the words of ``lacks``.
        answer: what somebody answers once it waits.
    """

    name: str
    result: Any
    tasks: str
    given: str = ""
    state: str = "Completed"
    flows: str = ""
    left: dict[str, int] = field(default_factory=dict[str, int])
    needs: str = ""
    lacks: str = "HEADGATE_API_URL"
    answer: dict[str, Any] | None = None
    imports: str = ""

    def parameters(self, way: str, *, folder: Path, site: str) -> dict[str, Any]:
        """Return the parameters of a run."""
        known = {
            "folder": str(folder),
            "site": f"{site}/{self.name}-{way}",
            "watermark": f"shop_version_{way}",
            "salt": f"-{way}",
        }
        return {name: known[name] for name in self.given.split()}


def counted(text: str) -> Counter[str]:
    """Return how often each thing is in a list such as ``read double*3 check:Failed``."""
    found: Counter[str] = Counter()
    for word in text.split():
        what, _, times = word.partition("*")
        found[what] += int(times or 1)
    return found


CASES = [
    Case(
        name="etl_orders",
        given="folder",
        result={"orders": 3, "cents": 3700},
        tasks="extract transform load",
    ),
    Case(
        name="count_words",
        given="folder",
        result={"the": 4, "mat": 3, "cat": 2},
        tasks="write_samples count*3 add_up",
    ),
    Case(
        name="scrape_site",
        given="site",
        result={
            "/site/": "Home",
            "/site/ink": "Ink",
            "/site/pens": "Pens",
            "/site/pens/red": "Red pens",
        },
        tasks="fetch*4",
    ),
    Case(
        name="train_model",
        given="folder",
        result="regression",
        tasks="read split fit*3 keep_best",
        left={"artifacts": 1},
        imports="sklearn",
    ),
    Case(
        name="build_tables",
        given="folder",
        result={"best_customers": 1, "clean_orders": 3, "customer_totals": 2, "raw_orders": 4},
        tasks="build*4 check",
    ),
    Case(
        name="approve_release",
        result="2.4.0 is published",
        tasks="build publish",
        needs=SERVER,
        answer={"is_approved": True, "note": "go"},
    ),
    Case(
        name="backfill_days",
        given="folder",
        result={"2026-02-27": 74, "2026-02-28": 75, "2026-03-01": 76, "2026-03-02": 77},
        tasks="measure*4 store*4 load_day*4",
        flows="Completed*4",
    ),
    Case(
        name="load_changes",
        given="site watermark",
        result=3,
        tasks="read_changes apply_changes",
        needs=SERVER,
    ),
    Case(
        name="cached_prices",
        given="folder salt",
        result={"total": 500, "computed": 2},
        tasks="price*2 price:Cached",
    ),
    Case(
        name="publish_files",
        given="folder",
        result={
            "good": ["a.txt", "b.txt"],
            "bad": ["empty: d.txt"],
            "public": ["a.txt", "b.txt"],
        },
        tasks="publish*2 publish:RolledBack*2 check check:Failed",
    ),
    Case(
        name="call_flaky_api",
        given="site",
        result={"asked": 3, "missing": "HTTPError: HTTP Error 404: Not Found"},
        tasks="ask ask:Failed",
    ),
    Case(name="call_gently", result=55, tasks="call*6"),
    Case(
        name="nightly",
        result={"north": {"Oslo": 40, "Bergen": 60}, "south": {"Rome": 40}},
        tasks="load_region*2 load_shop*3 sales*3",
        flows="Completed*5",
    ),
    Case(
        name="regional_reports",
        result={"north": 15, "south": 7, "west": 0},
        tasks="report*3",
        left={"artifacts": 5},
    ),
    Case(
        name="refine_lake",
        given="folder",
        result=2690,
        tasks="land clean sum_up",
        left={"materializations": 3},
    ),
    Case(name="tell_events", result=["A-2"], tasks="check*3", left={"events": 4}),
    Case(
        name="make_thumbnails",
        result=["sun@64", "sun@256", "moon@64", "moon@256"],
        tasks="",
        needs=SERVER,
    ),
    Case(
        name="onboard_customer",
        given="folder",
        result="account-1: team for 5",
        tasks="open_account open_account:Cached activate",
        needs=AGENT,
        lacks="Only a run that an agent started for a deployment can be suspended",
        answer={"plan": "team", "seats": 5},
    ),
    Case(
        name="stream_rows",
        result=[44850, 134850, 224850, 94950],
        tasks="read_rows store*4",
    ),
    Case(name="estimate_pi", result=3.1409, tasks="count_hits*4"),
    Case(
        name="ask_sources",
        result={"slow": "TimedOut", "broken": "Failed", "good": "Completed"},
        tasks="ask:TimedOut ask:Failed ask",
    ),
    Case(
        name="stop_early",
        given="folder",
        state="Cancelled",
        result="There is no room for part 2",
        tasks="write_part*3",
    ),
    Case(
        name="notify_failure",
        given="site",
        state="Failed",
        result="ValueError: invoice 3 has no amount",
        tasks="read_invoice*4 read_invoice:Failed",
    ),
    Case(
        name="check_quality",
        result={"has a name": "failed", "is of age": "failed", "has an id": "passed"},
        tasks="read run_check run_check:Failed*2 sum_up",
    ),
    Case(
        name="copy_changed",
        given="folder",
        result=["a", "c"],
        tasks="compare*3 copy*2",
    ),
]
