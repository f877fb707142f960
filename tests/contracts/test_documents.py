"""What is written for operators names what there is."""

import re
from dataclasses import fields

from headgate_server.settings import LogLimits, Quotas, Rates, Settings, Timers
from tests.fixtures.repository import ROOT

SETTINGS = ROOT / "infra/docs/operating/settings.md"


def test_every_setting_is_told_and_no_other() -> None:
    names = {field.name for of in (Settings, Timers) for field in fields(of)}
    names |= {f"rate_{field.name}" for field in fields(Rates)}
    names |= {f"log_{field.name}" for field in fields(LogLimits)}
    names |= {f"quota_{field.name}" for field in fields(Quotas)}

    told = set(re.findall(r"`([A-Z][A-Z_]+)`", SETTINGS.read_text()))

    parts = {"timers", "rates", "log_limits", "quotas", "is_traced"}
    # Times, rates and limits are settings of their own; of traces, OpenTelemetry's variables tell.
    assert told == {name.upper() for name in names - parts}
