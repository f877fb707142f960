"""The cells of members, teams, roles and their bindings."""

from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import Cell, change
from tests.factories.estates import Estate
from tests.factories.mutations import Json

WIDE = ("wide",)
HOLDERS = {
    "roleBind": ("membershipId", Kind.MEMBERSHIP, "membership { id }"),
    "teamRoleBind": ("teamId", Kind.TEAM, "team { id }"),
    "serviceAccountRoleBind": ("serviceAccountId", Kind.SERVICE_ACCOUNT, "serviceAccount { id }"),
}


def _bind(estate: Estate, holder: str, kind: Kind, **more: str) -> Json:
    place = {"workspaceId": estate.ids[Kind.WORKSPACE]}
    return {holder: estate.ids[kind], "roleId": estate.ids[Kind.ROLE], **place, **more}


def _binding_cells(field: str) -> tuple[Cell, ...]:
    holder, kind, selection = HOLDERS[field]
    tried = (
        (holder, kind),
        ("roleId", Kind.ROLE),
        ("workspaceId", Kind.WORKSPACE),
        ("objectId", Kind.DEPLOYMENT),
    )
    return tuple(
        change(
            field,
            f"input.{path}",
            wanted,
            lambda e, id_, path=path: _bind(e, holder, kind, **{path: id_}),
            selection=selection,
        )
        for path, wanted in tried
    )


def _logged(name: str, kind: Kind) -> Cell:
    def build(estate: Estate, id_: str) -> tuple[str, Json]:
        document = (
            "query ($id: ID!, $filter: AuditFilter) { node(id: $id) { ... on Organization { "
            "auditLog(filter: $filter) { nodes { __typename } } } } }"
        )
        return document, {"id": estate.ids[Kind.ORGANIZATION], "filter": {name: {"eq": id_}}}

    return Cell(f"AuditFilter.{name}", kind, build, callers=WIDE)


def _invite(estate: Estate, **changed: str | list[str]) -> Json:
    return {
        "organizationId": estate.ids[Kind.ORGANIZATION],
        "email": "another@example.com",
        "roleIds": [estate.ids[Kind.ROLE]],
        **changed,
    }


def _viewer_can(argument: str, kind: Kind) -> Cell:
    def build(estate: Estate, id_: str) -> tuple[str, Json]:
        document = (
            "query ($workspaceId: ID, $objectId: ID) { viewerCan(scopes: [BLOCKS_REVEAL], "
            "workspaceId: $workspaceId, objectId: $objectId) { missing } }"
        )
        given = {"workspaceId": estate.ids[Kind.WORKSPACE], argument: id_}
        return document, given

    return Cell(f"Query.viewerCan({argument})", kind, build)


MEMBERS = (
    *(cell for field in HOLDERS for cell in _binding_cells(field)),
    _viewer_can("workspaceId", Kind.WORKSPACE),
    _viewer_can("objectId", Kind.DEPLOYMENT),
    change(
        "roleUpsert",
        "input.organizationId",
        Kind.ORGANIZATION,
        lambda _e, id_: {"organizationId": id_, "name": "Second", "scopes": ["RUNS_READ"]},
        selection="role { name }",
        callers=WIDE,
    ),
    change(
        "roleDelete",
        "input.id",
        Kind.ROLE,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="IdInput",
        callers=WIDE,
    ),
    change(
        "memberRemove",
        "input.id",
        Kind.MEMBERSHIP,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="IdInput",
        callers=WIDE,
    ),
    change(
        "memberInvite",
        "input.organizationId",
        Kind.ORGANIZATION,
        lambda e, id_: _invite(e, organizationId=id_),
        selection="invitation { email }",
        callers=WIDE,
    ),
    change(
        "memberInvite",
        "input.roleIds",
        Kind.ROLE,
        lambda e, id_: _invite(e, roleIds=[id_]),
        selection="invitation { email }",
        callers=WIDE,
    ),
    change(
        "memberInvite",
        "input.workspaceId",
        Kind.WORKSPACE,
        lambda e, id_: _invite(e, workspaceId=id_),
        selection="invitation { email }",
        callers=WIDE,
    ),
    change(
        "invitationRevoke",
        "input.id",
        Kind.INVITATION,
        lambda _e, id_: {"id": id_},
        selection="invitation { email }",
        input_type="IdInput",
        callers=WIDE,
    ),
    change(
        "loginSessionRevoke",
        "input.id",
        Kind.LOGIN_SESSION,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="IdInput",
        callers=("browser",),
    ),
    change(
        "identityUnlink",
        "input.id",
        Kind.IDENTITY,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="IdInput",
        callers=("browser",),
    ),
    change(
        "teamUpsert",
        "input.organizationId",
        Kind.ORGANIZATION,
        lambda _e, id_: {"organizationId": id_, "name": "Second"},
        selection="team { name }",
        callers=WIDE,
    ),
    change(
        "teamUpsert",
        "input.id",
        Kind.TEAM,
        lambda e, id_: {
            "organizationId": e.ids[Kind.ORGANIZATION],
            "name": "Renamed",
            "id": id_,
        },
        selection="team { name }",
        callers=WIDE,
    ),
    change(
        "teamDelete",
        "input.id",
        Kind.TEAM,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="IdInput",
        callers=WIDE,
    ),
    change(
        "teamMemberSet",
        "input.teamId",
        Kind.TEAM,
        lambda e, id_: {"teamId": id_, "membershipId": e.ids[Kind.MEMBERSHIP]},
        selection="team { name }",
        callers=WIDE,
    ),
    change(
        "teamMemberSet",
        "input.membershipId",
        Kind.MEMBERSHIP,
        lambda e, id_: {"teamId": e.ids[Kind.TEAM], "membershipId": id_},
        selection="team { name }",
        callers=WIDE,
    ),
    _logged("actorId", Kind.USER),
    _logged("targetId", Kind.TEAM),
    _logged("workspaceId", Kind.WORKSPACE),
    change(
        "workspaceArchive",
        "input.id",
        Kind.WORKSPACE,
        lambda _e, id_: {"id": id_, "archived": False},
        selection="workspace { name }",
        callers=WIDE,
        own_id=lambda e: e.unused[Kind.WORKSPACE],
    ),
    change(
        "workspaceDelete",
        "input.id",
        Kind.WORKSPACE,
        lambda _e, id_: {"id": id_},
        selection="deletedId",
        input_type="DeleteInput",
        callers=WIDE,
        own_id=lambda e: e.unused[Kind.WORKSPACE],
    ),
)
