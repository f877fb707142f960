"""``eventsEmit`` over the API: each event for itself, and a run's token needs no workspace."""

from typing import Any

import pytest

from headgate_server.domain.clock import SystemClock
from headgate_server.domain.ids import Kind, new_id, show
from tests.factories.estates import Estate
from tests.factories.mutations import mutate
from tests.fixtures.installations import Installation

pytestmark = pytest.mark.anyio

ANSWER = "accepted rejected { index id code message path }"


def told(**more: Any) -> dict[str, Any]:
    return {
        "id": show(Kind.EVENT, new_id()),
        "occurred": SystemClock().now().isoformat(),
        "event": "acme.shipped",
        "resource": {"id": "order-1"},
        **more,
    }


async def test_a_run_tells_events_and_hears_which_were_not_taken(
    installation: Installation, estate: Estate
) -> None:
    good, bad, own, flat = told(), told(id="x"), told(event="flow.created"), told(resource=[1])

    answer = await mutate(estate.run, "eventsEmit", ANSWER, events=[bad, good, own, flat])

    assert answer["accepted"] == 1
    assert [(one["index"], one["id"], one["code"]) for one in answer["rejected"]] == [
        (0, "x", "INVALID"),
        (2, own["id"], "INVALID"),
        (3, flat["id"], "INVALID"),
    ]
    assert [one["path"] for one in answer["rejected"]] == [[], ["event"], ["resource"]]
