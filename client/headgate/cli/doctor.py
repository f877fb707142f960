"""``headgate doctor``: what stands between this machine and runs, one look after the other."""

import asyncio
import platform
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, Literal, cast

import msgspec

from headgate.api import events, overviews, server_info, viewer
from headgate.api.events import EventBatch
from headgate.api.overviews import Overview
from headgate.api.transport import Transport
from headgate.cli.connection import Server
from headgate.cli.failures import NO_SERVER_HINT, ExitCode, hints_of
from headgate.cli.output import Columns, OutputOption, say, show_list
from headgate.clock import now
from headgate.errors import ApiError, HeadgateError, SettingsError
from headgate.settings import load_settings
from headgate.version import VERSION

STREAM_SECONDS = 5.0
SOON = timedelta(days=7)
SLOW_SECONDS = 1.0

Level = Literal["ok", "warning", "error"]


class Finding(msgspec.Struct, frozen=True):
    """What one look found, and what to do about it."""

    level: Level
    check: str
    message: str
    hint: str | None = None


def doctor(*, output: OutputOption = "table") -> int:
    """Look at settings, server, key, workspace, live updates and agents; exits 1 for an error.

    Changes nothing. `headgate-server doctor` looks at an installation from inside.
    """
    findings = [Finding("ok", "client", f"headgate {VERSION}, Python {platform.python_version()}")]
    try:
        server = Server(load_settings())
    except SettingsError as error:
        findings.append(Finding("error", "settings", str(error), NO_SERVER_HINT))
    else:
        try:
            findings += _examined(server)
        finally:
            server.close()
    columns: Columns[Finding] = {
        "": lambda finding: finding.level,
        "check": lambda finding: finding.check,
        "found": lambda finding: finding.message,
        "what helps": lambda finding: finding.hint,
    }
    show_list(findings, columns=columns, output=output)
    errors = sum(finding.level == "error" for finding in findings)
    say("Nothing is wrong." if not errors else f"{errors} errors; the first one first.")
    return ExitCode.FAILURE if errors else ExitCode.OK


def _examined(server: Server) -> list[Finding]:
    """Return the findings up to the first error, which the others would follow from."""
    settings = server.settings
    profile = f", profile {settings.profile}" if settings.profile else ""
    place = f"{server.organization}/{server.workspace} at {server.url}{profile}"
    findings = [Finding("ok", "settings", place)]
    looks: tuple[tuple[str, Callable[[Server], list[Finding]]], ...] = (
        ("server", _server),
        ("key", _key),
        ("workspace", _workspace),
        ("live updates", _stream),
    )
    for check, look in looks:
        try:
            findings += look(server)
        except HeadgateError as error:
            hint = " ".join(hints_of(error)) or None
            return [*findings, Finding("error", check, str(error), hint)]
    return findings


def _server(server: Server) -> list[Finding]:
    begun = time.monotonic()
    info = server.call(server_info.get)
    took = time.monotonic() - begun
    text = f"version {info.version}, answers within {took * 1000:.0f} ms"
    level: Level = "warning" if took > SLOW_SECONDS else "ok"
    findings = [Finding(level, "server", text, "Look at the network." if took > 1 else None)]
    if _numbers(VERSION) < _numbers(info.min_sdk_version):
        message = f"it serves clients from {info.min_sdk_version} on"
        hint = 'pip install --upgrade "headgate"'
        findings.append(Finding("error", "server", message, hint))
    return findings


def _key(server: Server) -> list[Finding]:
    found = server.call(viewer.identify)
    name = f", key {found.key_name}" if found.key_name else ""
    findings = [Finding("ok", "key", f"of {found.display_name} ({found.kind}){name}")]
    if found.expires_at:
        left = datetime.fromisoformat(found.expires_at) - now()
        if left < SOON:
            message = f"it ends in {left.days} days" if left.days else "it ends within a day"
            findings.append(Finding("warning", "key", message, "`headgate login`"))
    return findings


def _workspace(server: Server) -> list[Finding]:
    found = server.call(
        overviews.get, organization=server.organization, workspace=server.workspace, first=1
    )
    counts = f"{found.running} running, {found.late} late"
    return [Finding("ok", "workspace", counts), *_agents(found)]


def _agents(found: Overview) -> list[Finding]:
    if not found.pools:
        message = "there is no work pool"
        return [Finding("warning", "agents", message, "`headgate work-pools create NAME`")]
    unserved = [pool.name for pool in found.pools if not pool.agents and not pool.paused]
    findings = [
        Finding("warning", "agents", f"none serves {name}", f"`headgate agent start --pool {name}`")
        for name in unserved
    ]
    message = f"{found.agents_online} online, {found.taken} of {found.capacity} slots taken"
    return [*findings, *([] if unserved else [Finding("ok", "agents", message)])]


def _stream(server: Server) -> list[Finding]:
    try:
        server.call(_first_batch, workspace_id=server.workspace_id)
    except TimeoutError:
        message = f"no message came within {STREAM_SECONDS:.0f} s"
        hint = "A proxy may let no WebSockets through: agents go over to events or polling."
        return [Finding("warning", "live updates", message, hint)]
    except ApiError as error:
        return [Finding("warning", "live updates", str(error), "Look at proxies in between.")]
    return [Finding("ok", "live updates", "a WebSocket is open at once")]


async def _first_batch(transport: Transport, *, workspace_id: str) -> None:
    async with asyncio.timeout(STREAM_SECONDS):
        stream: Any = events.watch(transport, workspace_id=workspace_id, filter={})
        async with aclosing(stream) as batches:
            await anext(cast("AsyncIterator[EventBatch]", batches))


def _numbers(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version, to compare it by."""
    found: list[int] = []
    for part in version.split("."):
        if not part.isdigit():
            break
        found.append(int(part))
    return tuple(found)
