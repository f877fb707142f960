"""Calls of the API as plain HTTP/1.1 on a kept-open connection: what is measured is the server."""

import http.client
from typing import Any
from urllib.parse import urlsplit

import orjson


class Caller:
    """Calls the API over one connection."""

    def __init__(
        self, url: str, token: str, *, connection: http.client.HTTPConnection | None = None
    ) -> None:
        place = urlsplit(url)
        self._url = url
        self._connection = connection or http.client.HTTPConnection(str(place.hostname), place.port)
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}

    def with_token(self, token: str) -> "Caller":
        """Return a caller with another credential, over a connection of its own."""
        return Caller(self._url, token)

    def showing(self, token: str) -> "Caller":
        """Return a caller with another credential, over the same connection."""
        return Caller(self._url, token, connection=self._connection)

    def call(self, document: str, variables: dict[str, Any]) -> Any:
        """Send one operation and return its data."""
        answer = self.answer(document, variables)
        if "errors" in answer:
            raise RuntimeError(answer["errors"])
        return answer["data"]

    def answer(self, document: str, variables: dict[str, Any]) -> Any:
        """Send one operation and return the whole answer, errors and all."""
        body = orjson.dumps({"query": document, "variables": variables})
        self._connection.request("POST", "/graphql", body, self._headers)
        return orjson.loads(self._connection.getresponse().read())
