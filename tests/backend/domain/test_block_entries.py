"""Secrets of entries of lists: kept where their entry is, refused where nobody can tell."""

from typing import Any

import pytest

from headgate_server.domain.blocks.entries import check_kept
from headgate_server.domain.errors import InvalidInput

A, B, C = {"host": "a"}, {"host": "b"}, {"host": "c"}
CHANGED = {"host": "a", "port": 1}

SURE: dict[str, tuple[Any, Any, set[str], set[str]]] = {
    "the same": ([A, B], [A, B], {"0", "1"}, set()),
    "of keys in another order": ([{"x": 1, "y": 2}], [{"y": 2, "x": 1}], {"0"}, set()),
    "the last gone": ([A, B], [A], {"0"}, set()),
    "one more at the end": ([A], [A, B], {"0"}, set()),
    "another changed": ([A, B], [A, C], {"0"}, set()),
    "changed in its place": ([A, B], [CHANGED, B], {"0", "1"}, {"0"}),
    "all changed in their places": ([A, B], [CHANGED, C], {"0", "1"}, {"0", "1"}),
    "alike": ([{}, {}], [{}, {}, {}], {"0", "1"}, {"0", "1"}),
    "no list any more": ([A], {"0": A}, {"0"}, {"0"}),
}
UNSURE: dict[str, tuple[Any, Any, set[str], set[str]]] = {
    "the first gone": ([A, B], [B], {"0"}, {"0"}),
    "the first gone, unsaid": ([A, B], [B], {"0"}, set()),
    "turned around": ([A, B], [B, A], {"0", "1"}, {"0", "1"}),
    "one that stood elsewhere": ([A, B], [B, C], {"0"}, {"0"}),
    "one that stands elsewhere": ([A, B], [C, A], {"0"}, {"0"}),
    "one more before it": ([A, B], [C, A, B], {"1"}, {"1"}),
    "changed, unsaid": ([A, B], [CHANGED, B], {"0"}, set()),
    "one of several alike gone": ([{}, {}], [{}], {"0"}, {"0"}),
    "one of several bare secrets gone": ([None, None], [None], {"0"}, {"0"}),
}


@pytest.mark.parametrize("case", SURE)
def test_secret_of_an_entry_in_its_place_is_kept(case: str) -> None:
    before, after, kept, masked = SURE[case]

    check_kept(kept, masked=masked, before=before, after=after)
    check_kept(
        {f"deep.{path}.token" for path in kept},
        masked={f"deep.{path}.token" for path in masked},
        before={"deep": before},
        after={"deep": after},
    )


@pytest.mark.parametrize("case", UNSURE)
def test_secret_of_an_entry_that_may_be_another_is_asked_for_again(case: str) -> None:
    before, after, kept, masked = UNSURE[case]

    with pytest.raises(InvalidInput, match="send the secret again") as refused:
        check_kept(kept, masked=masked, before=before, after=after)

    assert refused.value.path[0] == "data"
    assert refused.value.path[1] in kept


def test_lists_inside_of_lists_are_looked_at_too() -> None:
    before = [{"name": "x", "logins": [A, B]}]
    after = [{"name": "x", "logins": [B, A]}]

    with pytest.raises(InvalidInput, match=r"0\.logins\.1\.token"):
        check_kept({"0.logins.1.token"}, masked={"0.logins.1.token"}, before=before, after=after)
    check_kept({"0.key"}, masked={"0.key"}, before=before, after=after)
