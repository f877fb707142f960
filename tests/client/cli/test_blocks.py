"""``headgate blocks`` where it needs no server."""

import json

from tests.client.cli.commands import headgate


def test_types_that_come_with_headgate_are_listed_without_a_server() -> None:
    done = headgate("blocks", "types", "--built-in", "-o", "json")

    found = {one["slug"]: one["module"] for one in json.loads(done.out)}
    assert done.code == 0
    assert found["s3-bucket"] == "headgate.blocks.aws"
    assert len(found) == 28
