"""Looks at an installation from the outside in: settings, ports, Redis, database."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import AsyncGenerator

from headgate_server.bus.high_water import HighWater
from headgate_server.bus.ping import ask_version
from headgate_server.database.engine import DatabaseFailure, check_reachable, make_engine
from headgate_server.database.urls import DatabaseUrls
from headgate_server.database.version import check_migrated, newest
from headgate_server.database.work import Database
from headgate_server.doctor import database as of_database
from headgate_server.doctor import keys as of_keys
from headgate_server.doctor.findings import Finding, error, warning, well
from headgate_server.domain.errors import ConfigurationError, HeadgateError
from headgate_server.http.server import check_bindable
from headgate_server.installation import check_secret, resolve_urls
from headgate_server.services import generations
from headgate_server.settings import Settings, check_url

STRONG_SECRET_LENGTH = 32
ASK_SECONDS = 5.0
REDIS_SCHEMES = ("redis", "rediss", "unix")


async def examine(settings: Settings) -> list[Finding]:
    """Return every finding, in the order in which to mend them; nothing is changed."""
    findings = [_secret(settings)]
    for host, port, what in (
        (settings.host, settings.port, "API"),
        (settings.health_host, settings.health_port, "health"),
    ):
        if port:
            findings.append(await asyncio.to_thread(_port, host, port, what=what))
    findings.append(await _redis(settings))
    findings.extend([finding async for finding in _database(settings)])
    return findings


def _secret(settings: Settings) -> Finding:
    try:
        secret = check_secret(settings)
    except ConfigurationError as refused:
        return error("secret", "There is no usable secret key.", remedy=refused.message)
    if len(secret) >= STRONG_SECRET_LENGTH:
        return well("secret", f"The secret key has {len(secret)} characters.")
    return warning(
        "secret",
        f"The secret key has {len(secret)} characters only.",
        remedy="A new installation should use `openssl rand -hex 32`. Changing the key of this "
        "one ends every API key and session.",
    )


def _port(host: str, port: int, *, what: str) -> Finding:
    check = "ports"
    try:
        check_bindable(host, port)
    except ConfigurationError:
        pass
    else:
        return well(check, f"Nothing listens on {host}:{port}; it is free for the {what} port.")
    url = f"http://{host}:{port}/healthz/ready"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=ASK_SECONDS):
            return well(check, f"A Headgate server listens on {host}:{port} and is ready.")
    except urllib.error.HTTPError as refused:
        said = refused.read(1000).decode(errors="replace")
        return error(
            check,
            f"What listens on {host}:{port} is not ready: {said}",
            remedy="If that is Headgate, mend the reasons it gives; if not, choose another port.",
        )
    except OSError as failure:
        return error(
            check,
            f"Port {port} of {host} is taken, and does not answer: {failure}",
            remedy="Stop what listens there, or choose another port.",
        )


async def _redis(settings: Settings) -> Finding:
    try:
        url = check_url(settings.redis_url, name="REDIS_URL", schemes=REDIS_SCHEMES)
        version = await ask_version(url)
    except ConfigurationError as refused:
        return error("redis", "There is no usable address of Redis.", remedy=refused.message)
    except HeadgateError as away:
        return error(
            "redis",
            f"Redis does not answer: {away.message}",
            remedy="See that it runs and that HEADGATE_REDIS_URL is right. Work goes on meanwhile, "
            "but is noticed later.",
        )
    return well("redis", f"{version} answers.")


async def _database(settings: Settings) -> AsyncGenerator[Finding]:
    try:
        urls = resolve_urls(settings)
    except ConfigurationError as refused:
        yield error("database", "There is no usable address.", remedy=refused.message)
        return
    async for finding in _connected(urls, settings=settings):
        yield finding


async def _history(database: Database, *, settings: Settings) -> Finding:
    """Compare where the database stands with how far it is known to have come."""
    try:
        url = check_url(settings.redis_url, name="REDIS_URL", schemes=REDIS_SCHEMES)
    except ConfigurationError:
        return of_database.history(None, known=None)
    high_water = HighWater(url, prefix=settings.redis_prefix)
    try:
        marks = await high_water.marks()
    finally:
        await high_water.close()
    async with asyncio.timeout(ASK_SECONDS), database.glance() as work:
        stand = await generations.find_stand(work)
    return of_database.history(stand, known=marks.get(stand.generation) if stand else None)


async def _connected(urls: DatabaseUrls, *, settings: Settings) -> AsyncGenerator[Finding]:
    engines = [
        make_engine(url, application_name="headgate-doctor", pool_size=1)
        for url in (urls.app, urls.system)
    ]
    database = Database(app=engines[0], system=engines[1])
    try:
        for engine in engines:
            await check_reachable(engine)
        yield well("roles", "Both roles can connect, and neither sees past the walls.")
        await check_migrated(engines[1])
        yield well("migrations", f"The database is at migration {newest()}.")
        yield await _history(database, settings=settings)
        for finding in await of_database.examine(database, timers=settings.timers):
            yield finding
        async for finding in of_keys.examine(database, settings=settings):
            yield finding
    except ConfigurationError as refused:
        yield error("database", "The server cannot work with it.", remedy=refused.message)
    except (HeadgateError, DatabaseFailure, TimeoutError) as failure:
        yield error(
            "database",
            f"It could not be looked at: {str(failure).splitlines()[0] or 'no answer in time'}",
            remedy="See that the database answers, and run the check-up again.",
        )
    finally:
        await database.dispose()
