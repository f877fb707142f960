"""Formats that answers are held against: what Pydantic reads fits, what it never reads does not."""

import pytest

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
    "uri": ["example", "https://a b"],
    "email": ["ann", "@example.com", "ann @example.com"],
}


@pytest.mark.parametrize("format", FIT)
def test_texts_that_fit(format: str) -> None:
    assert [text for text in FIT[format] if not is_of_format(text, format)] == []


@pytest.mark.parametrize("format", MISFIT)
def test_texts_that_do_not(format: str) -> None:
    assert [text for text in MISFIT[format] if is_of_format(text, format)] == []
