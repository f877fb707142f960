"""Formats that answers are held against: what Pydantic reads fits, what it never reads does not."""

from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import AnyUrl, TypeAdapter, ValidationError
from pydantic.networks import IPvAnyAddress

from headgate_server.domain.formats import is_of_format

FIT = {
    "date": ["2026-12-31"],
    "date-time": ["2026-12-31T10:00:00Z", "2026-12-31 10:00:00.5+01:00", "2026-12-31T10:00"],
    "time": ["10:00", "10:00:00.25", "10:00:00Z"],
    "duration": ["P1D", "PT1H30M", "-PT0.5S", "P1DT2H", "1 day, 10:00:00", "10:30"],
    "uuid": ["6f8f7c9e-8f5c-4e8e-9c39-0d3ad94fd9d9"],
    "ipv4": ["10.0.0.1"],
    "ipv6": ["::1"],
    "uri": ["https://example.com/a?b=c"],
    "email": ["ann@example.com"],
    "anything": ["else", ""],
}
MISFIT = {
    "date": ["31.12.2026", "2026-13-01", "2026-W01-1", "tomorrow", ""],
    "date-time": ["31.12.2026 10:00", "soon"],
    "time": ["noon", "25:00"],
    "duration": ["P", "PT", "an hour", "1h"],
    "uuid": ["6f8f"],
    "ipv4": ["10.0.0", "::1"],
    "ipv6": ["10.0.0.1"],
    "uri": ["example", "", "no scheme"],
    "email": ["ann", "@example.com", "ann @example.com"],
}

TYPES: dict[str, Any] = {
    "date": date,
    "date-time": datetime,
    "time": time,
    "duration": timedelta,
    "uuid": UUID,
    "ipvanyaddress": IPvAnyAddress,
    "uri": AnyUrl,
}
TEXTS = (
    "2026-11-30", "2026-11-30T00:00:00", "2026-11-30T00:00:00Z", "2026-11-30T10:00:00", "20261130",
    "2026-11-30t10:00:00z", "2026-11-30 10:00", "2026-11-30T10:00:00.123456+02:00", "1700000000",
    "1700000000.5", "-1", "10:00", "10:00:00", "10:00:00.5", "10:00:00z", "3600", "1 day", "1d",
    "2 days, 10:00:00", "PT1.5H", "P1.5D", "PT0.5M", "-P1D", "P1Y2M3W4DT5H6M7.8S", "p1d",
    "100:00:00", "1 day 10:00:00", "-1 day", "c0ffee00-0000-4000-8000-000000000000",
    "c0ffee000000400080000000000000ff", "urn:uuid:c0ffee00-0000-4000-8000-000000000000",
    "127.0.0.1", "::1", "http://x.example/a b", " http://x.example ", "file:///tmp/a b",
    "mailto:a@x.example", "x", "", " ", "31.12.2026", "2026-13-01", "2026-02-30", "25:00", "P",
)  # fmt: skip


@pytest.mark.parametrize("format", FIT)
def test_texts_that_fit(format: str) -> None:
    assert [text for text in FIT[format] if not is_of_format(text, format)] == []


@pytest.mark.parametrize("format", MISFIT)
def test_texts_that_do_not(format: str) -> None:
    assert [text for text in MISFIT[format] if is_of_format(text, format)] == []


def takes(type_: Any, text: str) -> bool:
    try:
        TypeAdapter(type_).validate_python(text)
    except ValidationError:
        return False
    return True


@pytest.mark.parametrize("format", TYPES)
def test_what_the_type_of_a_parameter_takes_is_of_its_format(format: str) -> None:
    taken = [text for text in TEXTS if takes(TYPES[format], text)]

    assert taken
    assert [text for text in taken if not is_of_format(text, format)] == []
