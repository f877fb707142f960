"""What a browser sees at the root of the server: where it has come to, and the next step."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

TEXT = """This is a Headgate server.

It speaks GraphQL at {url}graphql: POST application/json, with an API key as the Bearer token;
subscriptions over graphql-transport-ws on the same path.

From a terminal:

  headgate profiles create here --api-url {url} --api-key KEY --workspace ORGANIZATION/WORKSPACE
  headgate status
"""


def landing_route() -> Route:
    """Return the route of the root: plain text, for everybody, with nothing to keep secret."""

    async def landing(request: Request) -> Response:
        return PlainTextResponse(TEXT.format(url=request.base_url))

    return Route("/", landing)
