"""What headgate-server can do: api, scheduler, dev, migrate, doctor, keys, audit and others.

Each command imports what it alone needs: the API with its schema takes two seconds of a processor.
"""

import argparse
import asyncio
import logging
import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvloop

from headgate_server.database.urls import without_password
from headgate_server.domain.errors import ConfigurationError, HeadgateError
from headgate_server.installation import check_secret, resolve_urls
from headgate_server.loading import load
from headgate_server.operating import audit_entries, beginnings, keys, organizations, people, places
from headgate_server.operating.demo.options import add_options
from headgate_server.settings import Settings, check_port, read
from headgate_server.telemetry import logs

USAGE, FAILURE = 2, 1


def main(arguments: list[str] | None = None) -> None:
    """Run the command; exit 0 when it is done, 1 where it could not, 2 where it was misspelt."""
    parsed = _parser().parse_args(arguments)
    try:
        settings = read()
        logs.configure(level=settings.log_level, is_json=settings.log_format == "json")
        parsed.command(settings, parsed)
    except (HeadgateError, ValueError) as error:
        sys.stderr.write(f"headgate-server: {error}\n")
        sys.exit(USAGE if isinstance(error, ConfigurationError) else FAILURE)
    except KeyboardInterrupt:
        sys.exit(130)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="headgate-server", description="The Headgate server. Settings: HEADGATE_* variables."
    )
    verbs = parser.add_subparsers(required=True, metavar="COMMAND")
    api = verbs.add_parser("api", help="serve the GraphQL API")
    api.add_argument("--host", help="address to listen on (HEADGATE_HOST, 127.0.0.1)")
    api.add_argument("--port", type=int, help="port to listen on (HEADGATE_PORT, 8484)")
    api.set_defaults(command=_api)
    scheduler = verbs.add_parser("scheduler", help="run the background loops; any number may run")
    scheduler.set_defaults(command=_scheduler)
    migrate = verbs.add_parser("migrate", help="bring the database to this version's schema")
    migrate.add_argument(
        "--show-passwords", action="store_true", help="print the roles' addresses whole"
    )
    migrate.add_argument(
        "--new-generation",
        action="store_true",
        help="after a restore: end every session and lease from before it",
    )
    migrate.set_defaults(command=_migrate)
    first = verbs.add_parser("bootstrap", help="make an organization and its first owner")
    first.add_argument("--email", required=True, help="the owner's address")
    first.add_argument("--organization", required=True, help="the organization's slug")
    first.add_argument("--operator", action="store_true", help="let them run the installation, too")
    first.set_defaults(command=_bootstrap)
    doctor = verbs.add_parser(
        "doctor",
        help="look for what is wrong; exit 0 if nothing is, 1 if something, 3 if it will be",
    )
    doctor.add_argument("-o", "--output", choices=("text", "json"), default="text")
    doctor.set_defaults(command=_doctor)
    _add_operating(verbs)
    seed = verbs.add_parser("seed", help="fill an empty installation with the demo")
    add_options(seed)
    seed.set_defaults(command=_seed)
    schema = verbs.add_parser("schema", help="print the GraphQL schema")
    schema.set_defaults(command=_schema)
    _add_dev(verbs.add_parser("dev", help="everything on this machine, for development"))
    return parser


def _add_operating(verbs: Any) -> None:
    """Add what operators do in a database, also in that of a running ``dev``."""
    held = verbs.add_parser("keys", help="rotate, wrap anew or destroy the keys of workspaces")
    keys.add_verbs(held)
    _let_reach_dev(held, keys.run)
    log = verbs.add_parser("audit", help="verify the audit log, and sign where it stands")
    audit_entries.add_verbs(log)
    _let_reach_dev(log, audit_entries.run)
    tenants = verbs.add_parser(
        "organizations", help="list, suspend, resume and measure organizations"
    )
    organizations.add_verbs(tenants)
    _let_reach_dev(tenants, organizations.run)
    somebody = verbs.add_parser("people", help="list, suspend, resume, help and delete people")
    people.add_verbs(somebody)
    _let_reach_dev(somebody, people.run)


def _let_reach_dev(
    parser: argparse.ArgumentParser, run: Callable[[Settings, argparse.Namespace], None]
) -> None:
    """Let a command of operators work on the database of the settings, or of a running ``dev``."""

    def command(settings: Settings, parsed: argparse.Namespace) -> None:
        run(places.find_place(settings, parsed), parsed)

    places.add_place(parser)
    parser.set_defaults(command=command)


def _folder(text: str) -> Path:
    if not text:
        raise argparse.ArgumentTypeError("names a folder; it must not be empty")
    return Path(text)


def _add_dev(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (8484)")
    parser.add_argument("--data-dir", type=_folder, help="where the data lives")
    parser.add_argument("--fresh", action="store_true", help="delete the data first")
    parser.add_argument("--no-agent", action="store_true", help="start no local agent")
    parser.add_argument(
        "--demo", type=float, nargs="?", const=1.0, metavar="SCALE", help="fill it with the demo"
    )
    parser.set_defaults(command=_dev)


def _bound(settings: Settings, parsed: argparse.Namespace) -> Settings:
    if parsed.host is not None:
        settings = replace(settings, host=parsed.host)
    if parsed.port is not None:
        settings = replace(settings, port=check_port(parsed.port))
    return settings


def _api(settings: Settings, parsed: argparse.Namespace) -> None:
    settings = _bound(settings, parsed)
    app, core_of = load("app"), load("core")

    async def run() -> None:
        stop = core_of.stop_signal()
        async with core_of.open_core(settings) as core, core_of.attended(core) as watch:
            readiness, health = watch
            await app.serve_api(
                core,
                readiness=readiness,
                health=health,
                until=stop.wait(),
                on_ready=lambda: logging.getLogger("headgate").info("API at %s", settings.url),
            )

    uvloop.run(run())


def _scheduler(settings: Settings, parsed: argparse.Namespace) -> None:
    del parsed
    scheduler, core_of = load("scheduler"), load("core")

    async def run() -> None:
        stop = core_of.stop_signal()
        async with core_of.open_core(settings) as core, core_of.attended(core) as (readiness, _):
            readiness.has_started = True
            await scheduler.serve_scheduler(core, until=stop.wait())

    uvloop.run(run())


def _migrate(settings: Settings, parsed: argparse.Namespace) -> None:
    check_secret(settings)
    urls = resolve_urls(settings)
    migrate = load("database.migrate")
    found = asyncio.run(
        migrate.upgrade(
            urls.owner, secret_key=settings.secret_key, role_prefix=settings.role_prefix
        )
    )
    if parsed.new_generation:
        begun = asyncio.run(beginnings.start_generation(settings))
        sys.stderr.write(
            f"A new generation has begun: {begun.sessions} sessions and {begun.leases} leases of "
            "the last one are good no more.\n"
        )
    for name, url in (
        ("HEADGATE_OWNER_DATABASE_URL", found.owner),
        ("HEADGATE_DATABASE_URL", found.app),
        ("HEADGATE_SYSTEM_DATABASE_URL", found.system),
    ):
        shown = url if parsed.show_passwords else without_password(url)
        sys.stdout.write(f"{name}={shown}\n")


def _bootstrap(settings: Settings, parsed: argparse.Namespace) -> None:
    link = asyncio.run(
        beginnings.bootstrap_owner(
            settings,
            email=parsed.email,
            slug=parsed.organization,
            is_operator=parsed.operator,
        )
    )
    sys.stderr.write("Good once, for an hour; whoever has it chooses the owner's password:\n")
    sys.stdout.write(f"{link}\n")


def _doctor(settings: Settings, parsed: argparse.Namespace) -> None:
    findings = load("doctor.findings")
    found = asyncio.run(load("doctor.examination").examine(settings))
    shown = findings.as_json(found) if parsed.output == "json" else findings.as_text(found)
    sys.stdout.write(shown)
    sys.exit(findings.exit_code(found))


def _schema(settings: Settings, parsed: argparse.Namespace) -> None:
    del settings, parsed
    sys.stdout.write(load("graphql.schema").build_schema().as_str().rstrip() + "\n")


def _seed(settings: Settings, parsed: argparse.Namespace) -> None:
    load("operating.demo.seeding").run(settings, parsed)


def _dev(settings: Settings, parsed: argparse.Namespace) -> None:
    dev, seeding = load("dev"), load("operating.demo.seeding")
    data_dir = (
        (parsed.data_dir or places.default_data_dir(dict(os.environ))).expanduser().absolute()
    )
    options = dev.DevOptions(
        data_dir=data_dir,
        is_fresh=parsed.fresh,
        has_agent=not parsed.no_agent,
        fill=None if parsed.demo is None else seeding.filler(scale=parsed.demo),
    )
    uvloop.run(dev.run(_bound(settings, parsed), options))
