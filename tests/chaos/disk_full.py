"""A disk that is full: ``python -m tests.chaos.disk_full [--size 128m]``.

The database's tables live in a tablespace on a file system of a fixed size, which is filled while
a run is at work, and emptied again. Prints one JSON line; answers 1 where a promise was broken.
The file system is mounted in a namespace of its own, for which one has to be root.
"""

import argparse
import asyncio
import errno
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from headgate.api.flow_runs import get as get_run
from headgate.api.transport import Transport
from headgate.errors import ApiError, RetryableApiError
from headgate_server.database.migrate import upgrade
from headgate_server.embedded.services import EmbeddedServices
from tests.fixtures.databases import SECRET_KEY
from tests.fixtures.installation import Installation, wait_online
from tests.fixtures.journeys import Journey, set_out
from tests.fixtures.sql import query
from tests.load.figures import percentile

NAME = "disk-full"
FULL_SECONDS = 20.0
SKIPPED = 77
"""What the command answers where it proves nothing, having said why."""
FULL_AT_LEAST_REFUSED = 20
LONGEST_SECONDS = 300
HEALTHY_SECONDS = 30.0
CALL_SECONDS = 10.0
CHUNKS = (1 << 20, 1 << 12)
INSIDE = "HEADGATE_DISK_FULL_INSIDE"


def fill(place: Path) -> None:
    """Leave no block free."""
    with (place / "filler").open("ab", buffering=0) as file:
        for size in CHUNKS:
            try:
                while file.write(bytes(size)) == size:
                    pass
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


async def attempt(call: Callable[[], Awaitable[object]]) -> str:
    """Return OK, or the code of the error and whether it passes by itself."""
    try:
        async with asyncio.timeout(CALL_SECONDS):
            await call()
    except RetryableApiError as error:
        return f"retryable {error.code}"
    except ApiError as error:
        return error.code or type(error).__name__
    except TimeoutError:
        return "no answer"
    return "OK"


async def while_full(journey: Journey, place: Path) -> dict[str, Any]:
    """Write and read for a while without a free block, and count what came back."""
    once = Transport(journey.transport.url, journey.transport.token, deadline_seconds=0)
    deployment = await journey.deploy("quick")
    known = await journey.start(deployment)
    hasty = Journey(
        journey.installation,
        journey.records,
        once,
        journey.folder,
        journey.pool,
        journey.workspace_id,
    )
    writes: dict[str, int] = {}
    reads: dict[str, int] = {}
    seconds: list[float] = []
    fill(place)
    began = time.monotonic()
    while (passed := time.monotonic() - began) < LONGEST_SECONDS:
        refused = sum(count for told, count in writes.items() if told != "OK")
        if passed > FULL_SECONDS and refused >= FULL_AT_LEAST_REFUSED:
            break
        told = await attempt(lambda: hasty.start(deployment))
        writes[told] = writes.get(told, 0) + 1
        asked = time.monotonic()
        told = await attempt(lambda: get_run(once, flow_run_id=known))
        reads[told] = reads.get(told, 0) + 1
        seconds.append(time.monotonic() - asked)
    await once.close()
    p95 = percentile(sorted(seconds), fraction=0.95) * 1000
    return {"full_s": round(passed, 1), "writes": writes, "reads": reads, "read_p95_ms": round(p95)}


async def measure(folder: Path, place: Path) -> dict[str, Any]:
    """Start everything, fill the disk under it, empty it, and say what came of it."""
    async with AsyncExitStack() as stack:
        services = EmbeddedServices(folder / "services", postgres_settings={"fsync": "off"})
        await stack.enter_async_context(services)
        owner = services.postgres_url
        shutil.chown(place, (folder / "services" / "postgres").owner())
        await query(owner, f"create tablespace small location '{place}'")
        await query(owner, "create database small tablespace small")
        url = urlsplit(owner)._replace(path="/small").geturl()
        urls = await upgrade(url, secret_key=SECRET_KEY)
        site = stack.enter_context(Installation(folder / "site", urls, services.redis_url))
        await site.make_tenant()
        site.start_scheduler()
        site.start_api()
        agent = site.start_agent()
        journey = await set_out(site, folder, pool="default")
        stack.push_async_callback(journey.close)
        wait_online(agent)
        held = await journey.run("held")
        await journey.executed(held)
        postmaster = await query(url, "select pg_postmaster_start_time()")

        found = await while_full(journey, place)
        (place / "filler").unlink()
        freed = time.monotonic()
        run_id = await journey.run("quick")
        ended = await journey.records.ended(run_id, within_seconds=LONGEST_SECONDS)
        found["healthy_s"] = round(time.monotonic() - freed, 2)
        journey.open()
        found["runs"] = [ended, await journey.records.ended(held, within_seconds=60)]
        found["held_executions"] = len(journey.executions(held))
        found["processes_lost"] = sum(one.exit_code is not None for one in site.processes)
        again = await query(url, "select pg_postmaster_start_time()")
        found["is_postgres_the_same"] = again == postmaster
        return found


def is_well(found: dict[str, Any]) -> bool:
    """Whether every promise was kept: errors that pass, reads, no crash, soon healthy."""
    refused = set(found["writes"]) - {"OK"}
    return (
        bool(refused)
        and all(told.startswith("retryable") for told in refused)
        and set(found["reads"]) == {"OK"}
        and found["processes_lost"] == 0
        and found["is_postgres_the_same"]
        and found["runs"] == ["Completed", "Completed"]
        and found["held_executions"] == 1
        and found["healthy_s"] <= HEALTHY_SECONDS
    )


def inside(size: str) -> int:
    """Do all of it in a namespace of mounts that ends with this process."""
    folder = Path(tempfile.mkdtemp(prefix="headgate-full-"))
    folder.chmod(0o755)
    place = folder / "place"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size},mode=700", "none", str(place)]
    subprocess.run(mount, check=True, timeout=10)
    try:
        found = asyncio.run(measure(folder, place))
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=False, timeout=10)
        shutil.rmtree(folder, ignore_errors=True)
    line = {"scenario": NAME, "size": size, **found, "is_well": is_well(found)}
    sys.stdout.write(json.dumps(line) + "\n")
    return 0 if line["is_well"] else 1


def main(arguments: list[str]) -> int:
    """Run it; 0 where every promise was kept, ``SKIPPED`` where nothing may be mounted here."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos.disk_full")
    parser.add_argument("--size", default="128m", help="of the file system")
    given = parser.parse_args(arguments)
    if os.environ.get(INSIDE):
        return inside(given.size)
    if os.getuid() != 0 or shutil.which("unshare") is None:
        reason = "needs root and unshare to mount a file system of its own"
        sys.stdout.write(json.dumps({"scenario": NAME, "skipped": reason}) + "\n")
        return SKIPPED
    command = ["unshare", "--mount", sys.executable, "-m", "tests.chaos.disk_full"]
    return subprocess.run(
        [*command, "--size", given.size],
        env={**os.environ, INSIDE: "1"},
        check=False,
        timeout=2 * LONGEST_SECONDS,
    ).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
