"""Every route of the server, put together from what the composition root hands over."""

from collections.abc import Sequence

from starlette.routing import BaseRoute, Route, WebSocketRoute
from strawberry.schema import BaseSchema

from headgate_server.graphql.backend import Backend
from headgate_server.http.account_ends import account_end_routes
from headgate_server.http.accounts import account_routes
from headgate_server.http.auth import Authenticate
from headgate_server.http.cli_logins import cli_login_routes
from headgate_server.http.doors import Doors
from headgate_server.http.email_changes import email_routes
from headgate_server.http.graphql import Endpoint, EndpointOptions
from headgate_server.http.health import Health, health_routes
from headgate_server.http.identities import identity_routes
from headgate_server.http.invitations import invitation_routes
from headgate_server.http.pages import file_routes
from headgate_server.http.second_factors import second_factor_routes
from headgate_server.http.sign_ins import password_routes, sign_in_routes

GRAPHQL_PATH = "/graphql"


def build_routes(
    schema: BaseSchema,
    *,
    backend: Backend,
    authenticate: Authenticate,
    health: Health,
    options: EndpointOptions | None = None,
    doors: Doors | None = None,
) -> Sequence[BaseRoute]:
    """Return the routes of the API, of its health, and of signing in."""
    endpoint = Endpoint(
        schema,
        backend=backend,
        authenticate=authenticate,
        options=options or EndpointOptions(),
    )
    return [
        Route(GRAPHQL_PATH, endpoint),
        WebSocketRoute(GRAPHQL_PATH, endpoint),
        *health_routes(health),
        *(_door_routes(doors) if doors is not None else []),
    ]


def _door_routes(doors: Doors) -> list[Route]:
    return [
        *sign_in_routes(doors),
        *(password_routes(doors) if doors.has_passwords else []),
        *(second_factor_routes(doors) if doors.has_passwords else []),
        *account_routes(doors),
        *account_end_routes(doors),
        *email_routes(doors),
        *identity_routes(doors),
        *invitation_routes(doors),
        *cli_login_routes(doors),
        *file_routes(),
    ]
