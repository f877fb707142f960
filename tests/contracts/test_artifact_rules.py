"""What the client refuses of an artifact is what the server refuses, and nothing else."""

from typing import Any

import pytest

from headgate.artifacts.data import check_kind
from headgate.errors import ArtifactError
from headgate_server.domain.artifacts import ArtifactType, check_data
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
