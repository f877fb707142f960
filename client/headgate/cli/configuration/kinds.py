"""Limits, pools, variables, blocks and SLA rules in the words of files; the order to make them."""

from collections.abc import Sequence
from typing import Any

from headgate.api import (
    blocks,
    concurrency_limits,
    configurations,
    deletions,
    sla_rules,
    variables,
    work_pools,
)
from headgate.api.sla_rules import SlaRuleAnswer
from headgate.api.work_pools import WorkPoolAnswer
from headgate.cli import names
from headgate.cli.blocks import schema_of
from headgate.cli.configuration.deployments import DEPLOYMENTS
from headgate.cli.configuration.plans import Fields, Kind, Stored, Wanted, without
from headgate.cli.configuration.values import (
    check_keys,
    from_environment,
    length,
    mapping,
    refuse,
    required,
    shown_length,
)
from headgate.cli.connection import Server
from headgate.cli.failures import CommandError, ExitCode
from headgate.deployments.schedules import read_length

MOST = 10_000
_QUEUE = frozenset({"priority", "paused", "concurrency_limit"})


def _all(server: Server, lister: Any) -> list[Any]:
    return server.collect(lister, limit=MOST, is_told=False)


def _same(place: str, fields: Fields) -> Fields:
    del place
    return fields


def _version(wanted: Wanted) -> dict[str, Any]:
    """Return what makes the server refuse what somebody changed since it was read."""
    return {} if wanted.stored is None else {"expectedVersion": wanted.stored.version}


def _read_limits(server: Server) -> dict[str, Stored]:
    return {
        one.name: Stored(
            one.id,
            {
                "limit": one.limit,
                "slot_decay_per_second": one.slot_decay_per_second,
                "task_tag": one.task_tag,
            },
            version=one.version,
        )
        for one in _all(server, concurrency_limits.list_limits)
    }


def _put_limits(server: Server, wanted: Sequence[Wanted]) -> None:
    for one in wanted:
        before = one.stored.fields if one.stored is not None else {}
        merged = {**before, **one.fields}
        more = {"slotDecayPerSecond": "slot_decay_per_second", "taskTag": "task_tag"}
        server.call(
            concurrency_limits.upsert,
            workspace_id=server.workspace_id,
            name=one.name,
            limit=required(merged, "limit", place=f"concurrency-limits: {one.name}"),
            **{theirs: one.fields[ours] for theirs, ours in more.items() if ours in one.fields},
            **_version(one),
        )


def _delete_limit(server: Server, stored: Stored) -> None:
    server.call(concurrency_limits.delete, limit_id=stored.id)


def _read_pools(server: Server) -> dict[str, Stored]:
    found = _all(server, work_pools.list_work_pools)
    return {one.name: Stored(one.id, _pool(server, one), version=one.version) for one in found}


def _pool(server: Server, found: WorkPoolAnswer) -> Fields:
    return {
        "type": found.type,
        "paused": found.paused,
        "concurrency_limit": found.concurrency_limit,
        "base_job_template": found.base_job_template,
        "queues": {
            queue.name: {
                "priority": queue.priority,
                "paused": queue.paused,
                "concurrency_limit": queue.concurrency_limit,
            }
            for queue in names.list_queues(server, pool=found)
        },
    }


def _normal_pool(place: str, fields: Fields) -> Fields:
    if "queues" not in fields:
        return fields
    queues = mapping(fields["queues"], place=f"{place}: queues")
    found = {name: mapping(queue, place=f"{place}: {name}") for name, queue in queues.items()}
    for name, queue in found.items():
        check_keys(queue, _QUEUE, place=f"{place}: queues: {name}")
    return {**fields, "queues": found}


def _put_pools(server: Server, wanted: Sequence[Wanted]) -> None:
    for one in wanted:
        before = one.stored.fields if one.stored is not None else {"type": "process"}
        fields = one.fields
        keys = {
            "paused": "paused",
            "concurrency_limit": "concurrencyLimit",
            "base_job_template": "baseJobTemplate",
        }
        pool_id = server.call(
            configurations.put_work_pool,
            input={
                "workspaceId": server.workspace_id,
                "name": one.name,
                "type": fields.get("type") or before["type"],
                **{theirs: fields[ours] for ours, theirs in keys.items() if ours in fields},
                **_version(one),
            },
        )
        _put_queues(server, pool_id, fields.get("queues") or {})


def _put_queues(server: Server, pool_id: str, queues: dict[str, Fields]) -> None:
    keys = {"priority": "priority", "paused": "paused", "concurrency_limit": "concurrencyLimit"}
    for name, queue in queues.items():
        given = {theirs: queue[ours] for ours, theirs in keys.items() if ours in queue}
        server.call(
            configurations.put_work_queue, input={"workPoolId": pool_id, "name": name, **given}
        )


def _delete_pool(server: Server, stored: Stored) -> None:
    server.call(deletions.delete, kind="WorkPool", id_=stored.id)


def _read_variables(server: Server) -> dict[str, Stored]:
    return {
        one.name: Stored(one.id, {"value": one.value, "tags": one.tags}, version=one.version)
        for one in _all(server, variables.list_variables)
    }


def _normal_variable(place: str, fields: Fields) -> Fields:
    del place
    tags = fields.get("tags")
    return fields if tags is None else {**fields, "tags": sorted(map(str, tags))}


def _put_variables(server: Server, wanted: Sequence[Wanted]) -> None:
    for one in wanted:
        before = one.stored.fields if one.stored is not None else {}
        merged = {**before, **one.fields}
        server.call(
            variables.set_variable,
            workspace_id=server.workspace_id,
            name=one.name,
            value=required(merged, "value", place=f"variables: {one.name}"),
            tags=one.fields.get("tags"),
            expected_version=one.stored.version if one.stored is not None else None,
        )


def _delete_variable(server: Server, stored: Stored) -> None:
    server.call(variables.delete, variable_id=stored.id)


def _read_blocks(server: Server) -> dict[str, Stored]:
    found: dict[str, Stored] = {}
    for one in _all(server, blocks.list_blocks):
        paths = frozenset(secret.path for secret in one.secrets)
        found[one.reference] = Stored(
            one.id,
            {"data": without(one.data, paths)},
            version=one.version,
            secret_paths=paths,
            unset_paths=frozenset(secret.path for secret in one.secrets if not secret.is_set),
        )
    return found


def _normal_block(place: str, fields: Fields) -> Fields:
    data = mapping(fields.get("data"), place=f"{place}: data")
    return {"data": from_environment(data, place=place)}


def _put_blocks(server: Server, wanted: Sequence[Wanted]) -> None:
    for one in wanted:
        type_slug, _, name = one.name.partition("/")
        if not name:
            raise refuse(f"blocks: {one.name}", "a block is named type-slug/name")
        if one.stored is None:
            # A type that comes with Headgate is registered with its first block.
            schema_of(server, type_slug)
        server.call(
            configurations.put_block,
            input={
                "workspaceId": server.workspace_id,
                "typeSlug": type_slug,
                "name": name,
                "data": one.fields["data"],
                **_version(one),
            },
        )


def _delete_block(server: Server, stored: Stored) -> None:
    server.call(blocks.delete, block_id=stored.id)


def _read_rules(server: Server) -> dict[str, Stored]:
    found = _all(server, sla_rules.list_sla_rules)
    return {one.name: Stored(one.id, _rule(one), version=one.version) for one in found}


def _rule(found: SlaRuleAnswer) -> Fields:
    fields: Fields = {
        "kind": found.kind.lower(),
        "within": shown_length(found.within),
        "enabled": found.enabled,
    }
    if found.deployment is not None:
        return {**fields, "deployment": f"{found.deployment.flow.name}/{found.deployment.name}"}
    return {**fields, "flow": found.flow.name if found.flow is not None else None}


def _normal_rule(place: str, fields: Fields) -> Fields:
    values = dict(fields)
    if values.get("within") is not None:
        values["within"] = length(values["within"], place=f"{place}: within")
    if values.get("kind") is not None:
        values["kind"] = str(values["kind"]).lower()
    return values


def _put_rules(server: Server, wanted: Sequence[Wanted]) -> None:
    for one in wanted:
        place = f"sla-rules: {one.name}"
        fields = one.fields
        stored = one.stored or Stored(_made_rule(server, one, place=place), {})
        for fixed in ("kind", "deployment", "flow"):
            if one.stored and fixed in fields and fields[fixed] != stored.fields.get(fixed):
                hints = [f"`headgate sla-rules delete {one.name}`, and apply again."]
                raise refuse(place, f"its {fixed} cannot change", hints=hints)
        within = fields.get("within")
        server.call(
            sla_rules.update,
            sla_rule_id=stored.id,
            within=None if within is None else read_length(within),
            is_enabled=fields.get("enabled"),
            expected_version=stored.version,
        )


def _made_rule(server: Server, one: Wanted, *, place: str) -> str:
    fields = one.fields
    within = read_length(required(fields, "within", place=place))
    deployment, flow = fields.get("deployment"), fields.get("flow")
    if (deployment is None) == (flow is None):
        raise refuse(place, "it needs one of deployment and flow")
    found = None if deployment is None else names.get_deployment(server, name=deployment)
    return server.call(
        sla_rules.create,
        name=one.name,
        kind=str(required(fields, "kind", place=place)).upper(),
        within=within,
        deployment_id=found.id if found is not None else None,
        flow_id=None if flow is None else names.get_flow(server, name=flow).id,
    ).id


def _delete_rule(server: Server, stored: Stored) -> None:
    server.call(sla_rules.delete, sla_rule_id=stored.id)


KINDS = (
    Kind(
        noun="concurrency-limits",
        keys=frozenset({"limit", "slot_decay_per_second", "task_tag"}),
        read=_read_limits,
        put=_put_limits,
        delete=_delete_limit,
        normal=_same,
    ),
    Kind(
        noun="work-pools",
        keys=frozenset({"type", "paused", "concurrency_limit", "base_job_template", "queues"}),
        read=_read_pools,
        put=_put_pools,
        delete=_delete_pool,
        normal=_normal_pool,
        partial={"queues": 2},
    ),
    Kind(
        noun="variables",
        keys=frozenset({"value", "tags"}),
        read=_read_variables,
        put=_put_variables,
        delete=_delete_variable,
        normal=_normal_variable,
    ),
    Kind(
        noun="blocks",
        keys=frozenset({"data"}),
        read=_read_blocks,
        put=_put_blocks,
        delete=_delete_block,
        normal=_normal_block,
        secret=frozenset({"data"}),
    ),
    DEPLOYMENTS,
    Kind(
        noun="sla-rules",
        keys=frozenset({"kind", "within", "enabled", "deployment", "flow"}),
        read=_read_rules,
        put=_put_rules,
        delete=_delete_rule,
        normal=_normal_rule,
    ),
)
"""In the order in which they are made: what others name comes before them."""


def get_kind(noun: str) -> Kind:
    """Return the kind of this noun.

    Raises:
        CommandError: there is none.
    """
    for kind in KINDS:
        if kind.noun == noun:
            return kind
    known = ", ".join(kind.noun for kind in KINDS)
    message = f"{noun!r} is no kind of configuration"
    raise CommandError(message, code=ExitCode.USAGE, hints=[f"There are {known}."])
