"""What a program sees at the root of the server: where it has come to, and the next step."""

_TEXT = """This is a Headgate server.

It speaks GraphQL at {url}graphql: POST application/json, with an API key as the Bearer token;
subscriptions over graphql-transport-ws on the same path.

From a terminal:

  headgate profiles create here --api-url {url} --api-key KEY --workspace ORGANIZATION/WORKSPACE
  headgate status
"""


def landing_text(url: str) -> str:
    """Return it, with nothing in it that is not for everybody.

    Args:
        url: of the server, with a slash at its end.
    """
    return _TEXT.format(url=url)
