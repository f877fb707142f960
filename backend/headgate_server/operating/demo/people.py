"""Who belongs to the demo's organizations, and what they hold, did and used."""

from dataclasses import dataclass
from datetime import timedelta
from itertools import cycle
from uuid import UUID

from headgate_server.domain.permissions import BUILTIN_ROLES, BuiltinRole, Scope
from headgate_server.domain.quotas import QuotaKind
from headgate_server.domain.tenancy import Actor, ActorKind
from headgate_server.operating.demo.drafts import Draft, named

_NAMES = (
    "Ana Petrescu",
    "Jonas Weber",
    "Priya Raman",
    "Tomasz Zieliński",
    "Amira Haddad",
    "Lucía Fernández",
    "Kwame Boateng",
    "Mei-Ling Chen",
    "Søren Kjær",
    "Olivia Okafor",
    "نورا سالم",
    "Robert'); DROP TABLE runs;--",
)
"""Two are there because pages must bear them: letters from right to left, and marks of SQL."""
_ROLES = (
    BuiltinRole.OWNER,
    BuiltinRole.ADMIN,
    BuiltinRole.DEVELOPER,
    BuiltinRole.DEVELOPER,
    BuiltinRole.OPERATOR,
    BuiltinRole.VIEWER,
)
_ACCOUNTS = (("deployer", BuiltinRole.DEVELOPER), ("terraform", BuiltinRole.ADMIN))
_KEYS = (
    ("ci", 40, 320, 0.1),
    ("terraform apply", 61, None, 4.0),
    ("laptop, to be thrown away", 200, 5, 90.0),
    ("pager", 12, None, None),
)
"""Name, days since it was made and until it expires, and since it was used last."""
_DEEDS = (
    ("variable.updated", "variable", "max_parallel_uploads"),
    ("deployment.updated", "deployment", "track-positions/production"),
    ("api_key.created", "api_key", "ci"),
    ("membership.role_bound", "membership", "Amira Haddad"),
    ("block_document.updated", "block_document", "postgres/warehouse"),
    ("work_pool.updated", "work_pool", "fleet"),
    ("invitation.created", "invitation", "new.colleague@example.com"),
    ("concurrency_limit.updated", "concurrency_limit", "warehouse-writes"),
    ("flow_run.cancelled", "flow_run", "load-warehouse-0412"),
)


@dataclass(frozen=True, slots=True)
class Organization:
    """An organization of the demo, with the people who do things in it."""

    id: UUID
    slug: str
    people: tuple[Actor, ...]


def draw_organization(draft: Draft, *, slug: str, name: str, size: int) -> Organization:
    """Add an organization with so many people, and return it."""
    id_ = draft.id(draft.ago(days=120))
    then = draft.ago(days=120)
    draft.add(
        "organizations", id=id_, slug=slug, name=name, created_at=then, updated_at=draft.ago(days=3)
    )
    draft.add("organization_slugs", organization_id=id_, slug=slug)
    people = tuple(_draw_person(draft, slug, person) for person in _NAMES[:size])
    memberships = [
        _draw_membership(draft, id_, person, role=role, by=people[0])
        for person, role in zip(people, cycle(_ROLES), strict=False)
    ]
    _draw_teams(draft, id_, memberships, by=people[0])
    _draw_accounts(draft, id_, by=people[0])
    _draw_invitations(draft, id_, by=people[0])
    _draw_deeds(draft, id_, people)
    _draw_usage(draft, id_)
    return Organization(id_, slug, people)


def _draw_person(draft: Draft, slug: str, name: str) -> Actor:
    id_ = draft.id()
    mailbox = f"person-{id_.hex[-6:]}" if not name.isascii() else name.split()[0].lower()
    draft.add(
        "users",
        id=id_,
        display_name=name,
        email=f"{mailbox}@{slug}.example".replace("'", "").replace(")", "").replace(";", ""),
        created_at=draft.ago(days=118),
        email_verified_at=draft.ago(days=118),
    )
    return Actor(ActorKind.USER, id_, name)


def _draw_membership(
    draft: Draft, organization_id: UUID, person: Actor, *, role: BuiltinRole, by: Actor
) -> UUID:
    id_ = draft.id()
    draft.add(
        "memberships",
        organization_id=organization_id,
        id=id_,
        user_id=person.id,
        **named("invited_by", by),
        joined_at=draft.ago(days=draft.draw.uniform(5, 118)),
    )
    _bind(draft, organization_id, by=by, membership_id=id_, builtin_role=role.value)
    return id_


def _bind(draft: Draft, organization_id: UUID, *, by: Actor, **holder_and_role: object) -> None:
    nothing = dict.fromkeys(
        ("membership_id", "service_account_id", "team_id", "builtin_role", "role_id")
    )
    draft.add(
        "role_bindings",
        organization_id=organization_id,
        id=draft.id(),
        **(nothing | holder_and_role),
        **named("granted_by", by),
        created_at=draft.ago(days=30),
    )


def _draw_teams(draft: Draft, organization_id: UUID, memberships: list[UUID], *, by: Actor) -> None:
    role_id = draft.id()
    draft.add(
        "roles",
        organization_id=organization_id,
        id=role_id,
        name="Release manager",
        scopes=sorted(
            BUILTIN_ROLES[BuiltinRole.OPERATOR] | {Scope.FLOWS_WRITE, Scope.VARIABLES_WRITE}
        ),
        created_at=draft.ago(days=60),
        updated_at=draft.ago(days=20),
    )
    for name, some in (("Data platform", memberships[::2]), ("On call", memberships[1::2])):
        team_id = draft.id()
        draft.add("teams", organization_id=organization_id, id=team_id, name=name)
        for membership_id in some:
            draft.add(
                "team_members",
                organization_id=organization_id,
                team_id=team_id,
                membership_id=membership_id,
            )
        _bind(draft, organization_id, by=by, team_id=team_id, role_id=role_id)


def _draw_accounts(draft: Draft, organization_id: UUID, *, by: Actor) -> None:
    owners = [by]
    for name, role in _ACCOUNTS:
        id_ = draft.id()
        draft.add(
            "service_accounts",
            organization_id=organization_id,
            id=id_,
            display_name=name,
            created_at=draft.ago(days=70),
        )
        _bind(draft, organization_id, by=by, service_account_id=id_, builtin_role=role.value)
        owners.append(Actor(ActorKind.SERVICE_ACCOUNT, id_, name))
    for (name, made, left, used), owner in zip(_KEYS, cycle(owners), strict=False):
        id_ = draft.id(draft.ago(days=made))
        draft.add(
            "api_keys",
            organization_id=organization_id,
            id=id_,
            kind="key",
            name=name,
            prefix=f"hg_key_{id_.hex[-4:]}",
            # The digest of nothing that anybody has: nobody signs in with it.
            secret_hash=draft.draw.randbytes(32),
            **named("owner", owner),
            scopes=sorted(BUILTIN_ROLES[BuiltinRole.DEVELOPER]),
            created_at=draft.ago(days=made),
            expires_at=None if left is None else draft.at + timedelta(days=left),
            last_used_at=None if used is None else draft.ago(days=used),
        )


def _draw_invitations(draft: Draft, organization_id: UUID, *, by: Actor) -> None:
    for email, days in (("new.colleague@example.com", 5), ("too.late@example.com", -2)):
        draft.add(
            "invitations",
            organization_id=organization_id,
            id=draft.id(),
            email=email,
            token_hash=draft.draw.randbytes(32),
            **named("invited_by", by),
            created_at=draft.at + timedelta(days=days - 7),
            expires_at=draft.at + timedelta(days=days),
        )


def _draw_deeds(draft: Draft, organization_id: UUID, people: tuple[Actor, ...]) -> None:
    count = draft.count(180, least=len(_DEEDS))
    for nth, (action, kind, name) in zip(range(count), cycle(_DEEDS), strict=False):
        at = draft.at - timedelta(days=14) * (count - nth) / count
        id_ = draft.id(at)
        draft.add(
            "audit_entries",
            organization_id=organization_id,
            id=id_,
            at=at,
            **named("actor", draft.draw.choice(people)),
            address=f"198.51.100.{draft.draw.randrange(1, 255)}",
            user_agent="Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0",
            request_id=draft.draw.randbytes(8).hex(),
            action=action,
            target_kind=kind,
            target_id=draft.id(at),
            target_name=name,
            diff={"before": {"value": nth % 7}, "after": {"value": nth % 7 + 1}},
        )
        draft.add("audit_queue", organization_id=organization_id, entry_id=id_, at=at)


def _draw_usage(draft: Draft, organization_id: UUID) -> None:
    for day in range(31):
        draft.add(
            "usage_days",
            organization_id=organization_id,
            day=draft.ago(days=day).date(),
            runs=draft.draw.randrange(600, 900),
            restarts=draft.draw.randrange(5, 40),
            run_bytes=draft.draw.randrange(2, 9) * 1_000_000,
            api_points=draft.draw.randrange(40, 90) * 10_000,
            log_bytes=draft.draw.randrange(20, 80) * 1_000_000,
        )
    for kind, most in (
        (QuotaKind.RUNS_PER_DAY, 1_000),
        (QuotaKind.LOG_BYTES_PER_MONTH, 4_000_000_000),
        (QuotaKind.MEMBERS, 25),
    ):
        draft.add("quotas", organization_id=organization_id, kind=kind.value, most=most)
