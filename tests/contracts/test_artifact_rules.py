"""What the client refuses of an artifact is what the server refuses, and nothing else."""

from typing import Any

import pytest

from headgate.artifacts.data import TYPES, check_kind, metadata_of
from headgate.errors import ArtifactError
from headgate_server.domain.artifacts import ArtifactType, check_data, check_metadata
from headgate_server.domain.errors import InvalidInput

ADDRESSES = [
    "https://example.com/a",
    "HTTP://example.com",
    "file:///data/report.csv",
    "ftp://host/x",
    "sftp://host/x",
    "dbfs:/x/y",
    "hdfs://n/x",
    "s3://bucket/x",
    "s3a://bucket/x",
    "gs://bucket/x",
    "az://c/x",
    "adl://c/x",
    "abfss://c/x",
    "mailto:a@example.com",
    "reports/x.html",
    "/a:b",
]
IMAGES = [f"data:image/{kind};base64,iVBORw0KGgo=" for kind in ("png", "jpeg", "gif", "webp")]
REFUSED: list[Any] = [
    "javascript:alert(1)",
    "data:text/html,<b>",
    "data:image/svg+xml;base64,AAAA",
    "data:image/png;base64,<b>",
    "vbscript:x",
    "blob:x",
    "",
    "a\nb",
    "x" * 8_001,
    None,
    3,
]
CASES: list[tuple[str, Any, bool]] = [
    *[("link", {"url": url}, True) for url in ADDRESSES],
    *[("image", {"url": url}, True) for url in ADDRESSES + IMAGES],
    *[("link", {"url": url}, False) for url in REFUSED + IMAGES],
    *[("image", {"url": url}, False) for url in REFUSED],
    ("table", [{"a": 1}, [2]], True),
    ("table", {"a": [1]}, True),
    ("table", [], True),
    ("table", [None], False),
    ("table", {"a": 1}, False),
    ("table", "notjson{", False),
    ("markdown", "x", True),
    ("markdown", 3, False),
    ("link", {"url": "/a", "text": "A"}, True),
    ("link", {"url": "/a", "text": None}, True),
    ("link", {"url": "/a", "text": 42}, False),
    ("link", {"url": "/a", "x": 1}, False),
    ("link", {"text": "A"}, False),
    ("link", "/a", False),
    ("image", {"url": "/a", "text": "A"}, False),
    ("image", {"url": "/a", "alt": "A"}, False),
    *[("progress", progress, True) for progress in (0, 12.5, 100)],
    *[("progress", progress, False) for progress in (150, -1, True, "50", None)],
    ("result", {"any": ["thing"]}, True),
]


@pytest.mark.parametrize(("type_", "data", "is_taken"), CASES)
def test_both_sides_judge_alike(type_: str, data: Any, *, is_taken: bool) -> None:
    judged: list[bool] = []
    try:
        check_kind(data, type=type_)
        judged.append(True)
    except ArtifactError:
        judged.append(False)
    try:
        check_data(data, type_=ArtifactType(type_))
        judged.append(True)
    except InvalidInput:
        judged.append(False)

    assert judged == [is_taken, is_taken]


def test_both_sides_know_the_same_types() -> None:
    assert set(TYPES) == set(ArtifactType)
    with pytest.raises(ArtifactError, match="no artifact of type 'foo'"):
        check_kind(None, type="foo")


def test_both_sides_take_as_much_metadata() -> None:
    most = {"x": "y" * (64 * 1024 - len('{"x":""}'))}
    more = {"x": most["x"] + "y"}

    check_metadata(metadata_of(most))
    with pytest.raises(InvalidInput):
        check_metadata(more)
    with pytest.raises(ArtifactError, match="metadata of an artifact have 65,537 bytes"):
        metadata_of(more)
