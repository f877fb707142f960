"""A workspace's configuration as files: written, read, planned, applied."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from headgate.cli.configuration.plans import Change, Kind, Stored, Wanted, plan_of
from headgate.cli.configuration.values import iso_length, length
from tests.client.cli.commands import Done
from tests.e2e.dev_server import DevServer

WANTED = """
concurrency-limits:
  database: {limit: 3, task_tag: db}
work-pools:
  batch:
    type: process
    concurrency_limit: 4
    queues:
      urgent: {priority: 1, concurrency_limit: 2}
variables:
  region: {value: north, tags: [place, geo]}
blocks:
  secret/token: {data: {value: "{{ $CLI_TEST_TOKEN }}"}}
deployments:
  pipeline/nightly:
    entrypoint: flows.py:pipeline
    work_pool: batch
    parameters: {count: 3}
    concurrency_limit: 1
    late_threshold: 90s
    schedules:
      daily: {cron: "0 6 * * *", timezone: Europe/Berlin}
      often: {interval: 1h30m, active: false, parameters: {count: 1}}
sla-rules:
  soon: {kind: lateness, within: 5m, deployment: pipeline/nightly}
"""
TOKEN = {"CLI_TEST_TOKEN": "ghp-0123456789"}


def applied(server: DevServer, text: str, *options: str, **variables: str) -> Done:
    """Apply a file of this text."""
    path = server.folder / "configuration.yaml"
    path.write_text(text)
    return server.here("apply", "-f", str(path), *options, **{**TOKEN, **variables})


@pytest.mark.e2e
def test_what_files_say_is_planned_made_and_found_again(cli_server: DevServer) -> None:
    planned = applied(cli_server, WANTED, "--plan")
    before = cli_server.here("variables", "get", "region")
    unsure = applied(cli_server, WANTED)
    made = applied(cli_server, WANTED, "--yes")
    again = applied(cli_server, WANTED, "--yes")

    assert (planned.code, planned.err) == (
        0,
        "6 to create, 0 to change, 0 to delete, 0 as they are.\n",
    )
    assert TOKEN["CLI_TEST_TOKEN"] not in planned.out + made.out
    assert (before.code, unsure.code, made.code) == (4, 2, 0), made.err
    assert made.err.splitlines()[1:] == [
        "+ concurrency-limits database",
        "+ work-pools batch",
        "+ variables region",
        "+ blocks secret/token",
        "+ deployments pipeline/nightly",
        "+ sla-rules soon",
        "Applied 6 changes.",
    ]
    assert (again.code, again.out) == (0, ""), again.out
    assert again.err == "0 to create, 0 to change, 0 to delete, 6 as they are.\n"
    pool = cli_server.read("work-pools", "get", "batch")
    assert {queue["name"]: queue["priority"] for queue in pool["queues"]}["urgent"] == 1
    block = cli_server.read("blocks", "inspect", "secret/token")
    assert [secret["isSet"] for secret in block["secrets"]] == [True]
    deployment = cli_server.read("deployments", "get", "pipeline/nightly")
    assert [one["slug"] for one in deployment["schedules"]] == ["daily", "often"]


@pytest.mark.e2e
def test_exported_files_change_nothing_when_they_are_applied(
    cli_server: DevServer, tmp_path: Path
) -> None:
    applied(cli_server, WANTED, "--yes")

    written = cli_server.here("export", str(tmp_path / "kept"))
    again = cli_server.here("export", str(tmp_path / "kept"))
    replaced = cli_server.here("export", str(tmp_path / "kept"), "--force")
    planned = cli_server.here("apply", "-f", str(tmp_path / "kept"), "--plan", "--prune")
    printed = yaml.safe_load(cli_server.here("export", "--only", "variables").out)

    assert (written.code, again.code, replaced.code) == (0, 5, 0), written.err
    assert planned.err.startswith("0 to create, 0 to change, 0 to delete, "), planned.out
    assert printed["variables"]["region"] == {"value": "north", "tags": ["geo", "place"]}
    kept = (tmp_path / "kept" / "blocks.yaml").read_text()
    assert yaml.safe_load(kept)["blocks"]["secret/token"] == {"data": {}}


@pytest.mark.e2e
def test_changes_are_told_field_by_field_and_what_is_not_said_stays(cli_server: DevServer) -> None:
    applied(cli_server, WANTED, "--yes")
    text = """
work-pools: {batch: {queues: {urgent: {priority: 2}}}}
deployments:
  pipeline/nightly: {schedules: {daily: {cron: "0 7 * * *", timezone: Europe/Berlin}}}
"""

    planned = cli_plan(cli_server, text)
    applied(cli_server, text, "--yes")

    changes = {
        (one["name"], change["field"]): (change["before"], change["after"])
        for one in planned
        for change in one["changes"]
    }
    assert changes["batch", "queues.urgent.priority"] == (1, 2)
    assert changes["pipeline/nightly", "schedules.daily.cron"] == ("0 6 * * *", "0 7 * * *")
    assert changes["pipeline/nightly", "schedules.often"][1] is None
    assert len(changes) == 3
    deployment = cli_server.read("deployments", "get", "pipeline/nightly")
    assert [(one["slug"], one["spec"]["cron"]) for one in deployment["schedules"]] == [
        ("daily", "0 7 * * *")
    ]
    assert deployment["parameters"] == {"count": 3}


@pytest.mark.e2e
def test_prune_deletes_what_is_in_no_file_of_the_kinds_that_are_named(
    cli_server: DevServer,
) -> None:
    cli_server.here("variables", "set", "pruned", "1")
    cli_server.here("concurrency-limits", "create", "unnamed", "--limit", "1")
    kept = cli_server.here("export", "--only", "variables").out
    without = yaml.safe_load(kept)
    del without["variables"]["pruned"]

    left = applied(cli_server, yaml.safe_dump(without), "--yes")
    gone = applied(cli_server, yaml.safe_dump(without), "--prune", "--yes")

    assert "0 to delete" in left.err
    assert "- variables pruned" in gone.err
    assert cli_server.here("variables", "get", "pruned").code == 4
    assert cli_server.here("concurrency-limits", "inspect", "unnamed").code == 0


@pytest.mark.e2e
def test_failure_says_what_was_done_before_it(cli_server: DevServer) -> None:
    text = """
variables: {first: {value: 1}}
deployments: {pipeline/lost: {entrypoint: "flows.py:pipeline", work_pool: nowhere}}
"""

    done = applied(cli_server, text, "--yes")

    assert done.code == 4, done.err
    assert "deployments: pipeline/lost: " in done.err
    assert "1 of 2 changes were applied before" in done.err
    assert cli_server.here("variables", "get", "first").out == "1\n"


MISTAKES = (
    ("variabels: {}", "did you mean variables?"),
    ("variables: {a: {valeu: 1}}", "did you mean value?"),
    ("variables: [1]", "must be a mapping"),
    ("deployments: {a/b: {schedules: {x: {timezone: UTC}}}}", "one of cron, interval and rrule"),
    ("deployments: {a/b: {fence: soon}}", "no length of time"),
    ("blocks: {secret/x: {data: {value: '{{ $CLI_TEST_NOT_SET }}'}}}", "CLI_TEST_NOT_SET"),
    ("variables: {", "not valid YAML"),
    ("work-pools: {a: {queues: {b: {priorty: 1}}}}", "did you mean priority?"),
)


@pytest.mark.e2e
@pytest.mark.parametrize(("text", "words"), MISTAKES, ids=[text for text, _ in MISTAKES])
def test_mistake_in_a_file_is_told_with_its_place(
    text: str, words: str, cli_server: DevServer
) -> None:
    done = applied(cli_server, text, "--yes")

    assert (done.code, done.out) == (2, ""), done.err
    assert words in done.err
    assert "configuration.yaml" in done.err


def cli_plan(server: DevServer, text: str) -> list[dict[str, Any]]:
    path = server.folder / "configuration.yaml"
    path.write_text(text)
    return server.read("apply", "-f", str(path), "--plan")


def nothing(*_: object) -> dict[str, object]:
    return {}


SECRETIVE = Kind(
    noun="blocks",
    keys=frozenset({"data"}),
    read=nothing,  # pyright: ignore[reportArgumentType] - a plan calls none of these
    put=nothing,  # pyright: ignore[reportArgumentType]
    delete=nothing,  # pyright: ignore[reportArgumentType]
    normal=nothing,
    secret=frozenset({"data"}),
)


def test_secret_that_is_set_is_left_alone_and_one_that_is_not_is_set() -> None:
    wanted = {"data": {"user": "ana", "password": "new", "nested": {"key": "x"}}}
    paths = frozenset({"password", "nested.key"})
    stored = Stored("blk_1", {"data": {"user": "ana", "nested": {}}}, secret_paths=paths)
    unset = Stored(
        "blk_1", stored.fields, secret_paths=paths, unset_paths=frozenset({"nested.key"})
    )

    kept = plan_of(SECRETIVE, Wanted("basic/x", wanted, stored))
    changed = plan_of(SECRETIVE, Wanted("basic/x", wanted, unset))
    made = plan_of(SECRETIVE, Wanted("basic/x", wanted))

    assert (kept.verb, kept.changes) == ("keep", [])
    assert changed.changes == [Change("data.nested.key", "(not set)", "(a secret)")]
    assert "new" not in str(made)


@pytest.mark.parametrize(
    ("said", "shown", "sent"),
    [
        ("90s", "90s", "PT90S"),
        ("1h30m", "90m", "PT5400S"),
        (86_400, "1d", "PT86400S"),
        ("0.5", "0.5s", "PT0.5S"),
    ],
)
def test_lengths_have_one_form_in_files_and_one_in_calls(
    said: str | int, shown: str, sent: str
) -> None:
    assert length(said, place="x") == shown
    assert iso_length(shown) == sent
