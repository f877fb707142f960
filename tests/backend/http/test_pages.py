"""The pages of signing in: what may run in them, where they lead, and headers of every answer."""

import pytest
from httpx2 import AsyncClient
from starlette.responses import PlainTextResponse

from headgate_server.http.security_headers import SecurityHeaders
from tests.fixtures.api import ApiClient, serve
from tests.fixtures.installations import Installation


@pytest.mark.parametrize(
    ("asked", "kept"),
    [
        ("/auth/device?code=BCDF-GHJK", "/auth/device?code=BCDF-GHJK"),
        ("//evil.test", "/"),
        ("/\\evil.test", "/"),
        ("https://evil.test", "/"),
        ("javascript:alert(1)", "/"),
        ("/\t/evil.test", "/"),
        ('/"><script>', "/&quot;&gt;&lt;script&gt;"),
        (None, "/"),
    ],
)
async def test_page_leads_on_to_pages_of_ours_only(
    installation: Installation, asked: str | None, kept: str
) -> None:
    async with serve(installation.app) as address, AsyncClient() as client:
        page = await client.get(
            f"http://{address}/auth/sign-in", params={"next": asked} if asked else {}
        )

    assert f'data-next="{kept}"' in page.text


@pytest.mark.parametrize(
    "path",
    ["/auth/sign-in", "/auth/password/reset", "/auth/password/new", "/auth/email/new"],
)
async def test_pages_hold_no_script_of_their_own(installation: Installation, path: str) -> None:
    answer = await ApiClient(installation.app, path=path).request("GET")
    again = await ApiClient(installation.app, path=path).request("GET")

    policy = answer.headers["content-security-policy"]
    page = answer.body.decode()
    nonce = policy.partition("'nonce-")[2].partition("'")[0]
    assert answer.status == 200
    assert f'<script src="/auth/pages.js" nonce="{nonce}" defer></script>' in page
    assert page.count("<script") == 1
    assert "unsafe" not in policy
    assert "default-src 'none'" in policy
    assert again.headers["content-security-policy"] != policy
    assert '<html lang="en">' in page
    assert page.count("<label>") == page.count("<input")
    assert f'<link rel="stylesheet" href="/auth/pages.css" nonce="{nonce}">' in page


@pytest.mark.parametrize("path", ["/graphql", "/auth/sign-in", "/auth/pages.js", "/healthz/live"])
async def test_every_answer_has_the_headers(installation: Installation, path: str) -> None:
    headers = (await ApiClient(installation.app, path=path).request("GET")).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "frame-ancestors 'none'" in headers["content-security-policy"]
    assert headers["strict-transport-security"] == "max-age=63072000"


async def test_hosts_below_are_bound_to_https_by_a_setting_alone() -> None:
    app = SecurityHeaders(PlainTextResponse("Hello"), is_secure=True, has_secure_subdomains=True)

    headers = (await ApiClient(app, path="/").request("GET")).headers

    assert headers["strict-transport-security"] == "max-age=63072000; includeSubDomains"
