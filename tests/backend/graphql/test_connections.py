"""Pages of a list: sizes, cursors, both directions, and counts that stop."""

import pytest

from tests.backend.graphql.local_app import doorkeeper, local_app
from tests.backend.graphql.local_schema import FOREST_SIZE
from tests.fixtures.api import ApiClient

pytestmark = pytest.mark.anyio

PAGE = """query ($first: Int, $after: Cursor, $last: Int, $before: Cursor) {
  trees(first: $first, after: $after, last: $last, before: $before) {
    edges { cursor node { number } } nodes { number }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }"""


@pytest.fixture
def api() -> ApiClient:
    return ApiClient(local_app(doorkeeper()), token="owner")


async def read(api: ApiClient, **variables: object) -> tuple[list[int], dict[str, object]]:
    trees = (await api.execute(PAGE, **variables)).data["trees"]
    assert [edge["node"] for edge in trees["edges"]] == trees["nodes"]
    return [node["number"] for node in trees["nodes"]], trees["pageInfo"]


async def test_page_has_fifty_rows_if_not_said(api: ApiClient) -> None:
    numbers, info = await read(api)

    assert numbers == list(range(50))
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (True, False)


async def test_next_page_starts_behind_the_last_row(api: ApiClient) -> None:
    _, info = await read(api, first=3)

    numbers, second = await read(api, first=3, after=info["endCursor"])

    assert numbers == [3, 4, 5]
    assert second["hasPreviousPage"] is True


async def test_page_before_a_cursor_ends_with_the_row_before_it(api: ApiClient) -> None:
    _, info = await read(api, first=10)
    _, tenth = await read(api, first=1, after=info["endCursor"])

    numbers, _ = await read(api, last=2, before=tenth["startCursor"])

    assert numbers == [8, 9]


async def test_last_rows_without_a_cursor_are_the_end_of_the_list(api: ApiClient) -> None:
    numbers, info = await read(api, last=2)

    assert numbers == [FOREST_SIZE - 2, FOREST_SIZE - 1]
    assert (info["hasNextPage"], info["hasPreviousPage"]) == (False, True)


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"first": 0}, "first is from 1 to 100."),
        ({"first": 101}, "first is from 1 to 100."),
        ({"last": 101}, "last is from 1 to 100."),
        ({"first": 1, "last": 1}, "either first or last"),
        ({"first": 1, "after": "x", "before": "x"}, "either after or before"),
        ({"first": 1, "before": "x"}, "before goes together with last"),
        ({"last": 1, "after": "x"}, "after goes together with first"),
        ({"first": 1, "after": "x"}, "cursor does not belong"),
        ({"first": 1, "after": "kwGsMDlhZjgwMzU4MDA0kaF4"}, "cursor does not belong"),
    ],
)
async def test_arguments_that_do_not_go_together_are_refused(
    api: ApiClient, variables: dict[str, object], words: str
) -> None:
    answer = await api.execute(PAGE, **variables)

    assert answer.code == "INVALID"
    assert words in answer.error["message"]


async def test_count_stops_at_its_cap(api: ApiClient) -> None:
    answer = await api.execute(
        "{ trees { all: totalCount { value precision } "
        "few: totalCount(cap: 5) { value precision } } }"
    )

    assert answer.data["trees"] == {
        "all": {"value": 10_000, "precision": "AT_LEAST"},
        "few": {"value": 5, "precision": "AT_LEAST"},
    }


@pytest.mark.parametrize("cap", [0, 10_001])
async def test_cap_out_of_range_is_refused(api: ApiClient, cap: int) -> None:
    answer = await api.execute(f"{{ trees {{ totalCount(cap: {cap}) {{ value }} }} }}")

    assert answer.error["message"] == "cap is from 1 to 10,000."
