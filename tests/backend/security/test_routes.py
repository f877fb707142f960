"""Every route of the server, found in the server: headers, methods, and who may call it."""

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response
from starlette.applications import Starlette
from starlette.routing import Route

from headgate_server.http.pages import page_route
from tests.fixtures.api import ApiClient
from tests.fixtures.browsers import COOKIE, ORIGIN, PAGE, Browser
from tests.fixtures.installations import Installation
from tests.fixtures.provider_worlds import ProviderWorld

PROGRAMS = {"/auth/cli/token", "/auth/device/begin", "/auth/device/token"}
"""What programs call, that have no cookie; it says nothing of whoever's browser calls it."""
SHARED_FILES = {"/auth/pages.js", "/auth/pages.css"}
FORMS = (
    "text/plain",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/jsonp",
    "",
)
CROSS_SITE = {"origin": "https://evil.test", "sec-fetch-site": "cross-site"}


def routes_of(installation: Installation, method: str) -> list[str]:
    """Return the paths that take a method; a place in a path is filled."""
    return [
        route.path.replace("{slug}", "okta")
        for route in installation.app.routes
        if isinstance(route, Route) and method in (route.methods or {"GET", "POST"})
    ]


@pytest.fixture
async def client(provider_world: ProviderWorld) -> AsyncGenerator[AsyncClient]:
    """A client of an installation that has every route there can be."""
    transport = ASGITransport(app=provider_world.installation.app)
    async with AsyncClient(transport=transport, base_url=ORIGIN) as client:
        yield client


def check_headers(answer: Response) -> None:
    headers = answer.headers
    policy = headers["content-security-policy"]
    assert headers["strict-transport-security"] == "max-age=63072000"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == "same-origin"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "default-src 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert not [name for name in headers if name.startswith("access-control-")]
    assert "server" not in headers
    assert "x-powered-by" not in headers
    if answer.content:
        media_type, _, charset = headers["content-type"].partition(";")
        is_text = media_type.startswith("text/")
        assert charset.strip() == "charset=utf-8" if is_text else media_type == "application/json"


async def test_every_answer_has_the_headers_and_is_kept_by_nobody(
    client: AsyncClient, provider_world: ProviderWorld
) -> None:
    paths = {
        path
        for method in ("GET", "POST")
        for path in routes_of(provider_world.installation, method)
    }
    assert len(paths) > 25

    for path in sorted(paths | {"/nowhere", "/auth/nowhere", "/graphql/"}):
        for method in ("GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"):
            answer = await client.request(method, path, headers=CROSS_SITE)
            check_headers(answer)
            kept = (
                "public, max-age=300" if path in SHARED_FILES and answer.is_success else "no-store"
            )
            assert answer.headers["cache-control"] == kept, (method, path)
            assert answer.status_code < 500, (method, path)
            if method in {"PUT", "DELETE", "TRACE", "PATCH", "OPTIONS"}:
                assert answer.status_code in {404, 405}, (method, path)


async def test_every_change_is_refused_to_pages_of_others(
    client: AsyncClient, provider_world: ProviderWorld
) -> None:
    paths = set(routes_of(provider_world.installation, "POST")) - {"/graphql"}
    assert paths >= PROGRAMS
    cookie = {"cookie": f"{COOKIE}=stolen", "content-type": "application/json"}

    for path in sorted(paths - PROGRAMS):
        for changed in (CROSS_SITE, {"origin": "null"}, {"x-headgate": ""}, {"origin": ""}):
            answer = await client.post(path, content=b"{}", headers={**PAGE, **cookie, **changed})
            assert answer.status_code == 403, (path, changed)


async def test_every_change_is_refused_as_a_form(
    client: AsyncClient, provider_world: ProviderWorld
) -> None:
    for path in routes_of(provider_world.installation, "POST"):
        for form in FORMS:
            headers = {**PAGE, "content-type": form, "authorization": "Bearer x"}
            answer = await client.post(path, content=b"{}", headers=headers)
            expected = {401, 415} if path == "/graphql" else {415}
            assert answer.status_code in expected, (path, form)


async def test_no_page_changes_anything_when_it_is_opened(
    client: AsyncClient, provider_world: ProviderWorld
) -> None:
    paths = set(routes_of(provider_world.installation, "POST"))
    shown = set(routes_of(provider_world.installation, "GET"))

    for path in sorted(paths - shown):
        assert (await client.get(path)).status_code == 405, path


async def test_no_explorer_is_served(client: AsyncClient) -> None:
    for path in ("/graphql", "/graphiql", "/playground", "/voyager", "/docs", "/openapi.json"):
        answer = await client.get(path, headers={"accept": "text/html"})
        assert answer.status_code in {404, 405}
        assert "<html" not in answer.text.lower()


async def test_nothing_is_redirected_to_another_host(
    client: AsyncClient, provider_world: ProviderWorld
) -> None:
    for path in routes_of(provider_world.installation, "GET"):
        for target in ("https://evil.test", "//evil.test", "/\\evil.test", "/%0d%0aSet-Cookie:x=1"):
            answer = await client.get(
                path, params={"next": target, "redirect_uri": target, "return_to": target}
            )
            location = answer.headers.get("location", "/auth/")
            assert location.startswith("/auth/"), (path, location)
            assert "x=1" not in answer.headers.get("set-cookie", "")


async def test_host_of_a_request_is_no_host_of_ours(
    client: AsyncClient, provider_world: ProviderWorld
) -> None:
    evil = {"host": "evil.test", "x-forwarded-host": "evil.test", "forwarded": "host=evil.test"}

    begun = await client.post(
        "/auth/device/begin",
        content=json.dumps({"client": "x"}),
        headers={**evil, "content-type": "application/json"},
    )
    left = await client.post(
        "/auth/oidc/okta", content=b"{}", headers={**PAGE, **evil, "origin": "https://evil.test"}
    )
    page = await client.get("/auth/sign-in", headers=evil)

    assert begun.json()["verificationUrl"] == f"{ORIGIN}/auth/device"
    assert "evil.test" not in left.text
    assert "evil.test" not in page.text


async def test_mail_names_the_host_of_the_settings(
    installation: Installation, browser: Browser
) -> None:
    answer = await browser.send(
        "/auth/password/reset",
        {"email": "ada@example.com"},
        host="evil.test",
        origin="https://evil.test",
        x_forwarded_host="evil.test",
    )
    letter = await installation.post_office.take()

    assert answer.status == 202
    assert letter.link.startswith(f"{ORIGIN}/auth/password/new#")
    assert "evil.test" not in letter.text


async def test_page_that_fails_says_nothing_of_why(caplog: pytest.LogCaptureFixture) -> None:
    async def fail(_request: Any) -> Any:
        raise RuntimeError("select secret from users")

    answer = await ApiClient(
        Starlette(routes=[page_route("/auth/x", fail)]), path="/auth/x"
    ).request("GET")

    page = answer.body.decode()
    id_ = page.partition("finds this as ")[2].partition(" ")[0]
    assert answer.status == 500
    assert "select secret" not in page
    assert len(id_) == 32
    assert any(id_ in str(getattr(record, "request_id", "")) for record in caplog.records)
