"""The cells of versions of deployments, and of what is made from them."""

from headgate_server.domain.ids import Kind
from tests.contracts.tenancy_cells import Cell, change

DEPLOYED = (
    Cell(
        "DeploymentVersion.changes(since)",
        Kind.DEPLOYMENT_VERSION,
        lambda e, id_: (
            "query ($id: ID!, $since: ID) { node(id: $id) { ... on Deployment { currentVersion { "
            "changes(since: $since) { path } } } } }",
            {"id": e.ids[Kind.DEPLOYMENT], "since": id_},
        ),
    ),
    change(
        "deploymentPromote",
        "input.id",
        Kind.DEPLOYMENT_VERSION,
        lambda _e, id_: {"id": id_},
        selection="deployment { name }",
    ),
    change(
        "deploymentRollback",
        "input.id",
        Kind.DEPLOYMENT,
        lambda _e, id_: {"id": id_},
        selection="deployment { name }",
    ),
)
