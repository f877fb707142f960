"""Ids: their form, their order, and that a fork does not repeat them."""

import multiprocessing
import uuid
from multiprocessing.connection import Connection
from typing import Any

from headgate.ids import make_id, make_uuid, make_uuid7

COUNT = 1000


def test_an_id_is_its_prefix_and_26_characters() -> None:
    prefix, _, rest = make_id("trun").partition("_")

    assert prefix == "trun"
    assert len(rest) == 26
    assert set(rest) <= set("0123456789abcdefghjkmnpqrstvwxyz")


def test_an_id_decodes_to_its_uuid() -> None:
    number = 0
    for character in make_id("run").partition("_")[2]:
        number = number * 32 + "0123456789abcdefghjkmnpqrstvwxyz".index(character)

    decoded = uuid.UUID(int=number)

    assert (decoded.version, decoded.variant) == (7, uuid.RFC_4122)


def test_ids_are_distinct_and_sort_by_time() -> None:
    numbers = [make_uuid7() >> 64 for _ in range(COUNT)]

    assert numbers == sorted(numbers)
    assert len({make_id("run") for _ in range(COUNT)}) == COUNT


def test_make_uuid_has_the_usual_form() -> None:
    assert uuid.UUID(make_uuid()).version == 7


def _send_ids(pipe: "Connection[Any, Any]") -> None:
    pipe.send([make_uuid7() & (2**62 - 1) for _ in range(COUNT)])


def test_a_forked_child_draws_other_random_bits() -> None:
    ours, theirs = multiprocessing.get_context("fork").Pipe()
    child = multiprocessing.get_context("fork").Process(target=_send_ids, args=(theirs,))

    child.start()
    drawn = ours.recv()
    child.join()

    assert not set(drawn) & {make_uuid7() & (2**62 - 1) for _ in range(COUNT)}
