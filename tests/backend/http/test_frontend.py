"""The web application's page and files, as a browser and as a program ask for them."""

import gzip
from pathlib import Path

import pytest
from starlette.applications import Starlette

from headgate_server.http.frontend import POLICY, frontend_routes
from tests.fixtures.api import Answer, ApiClient

PAGE = "<!doctype html><title>Headgate</title>"


@pytest.fixture
def built(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text(PAGE)
    (tmp_path / "assets" / "main-1a2b.js").write_text("export {};")
    (tmp_path / "secret.txt").write_text("not in assets")
    return tmp_path


async def ask(
    folder: Path, path: str, accept: str = "text/html,*/*;q=0.8", encoding: str = "identity"
) -> Answer:
    client = ApiClient(Starlette(routes=frontend_routes(folder)), path=path)
    return await client.request("GET", headers={"accept": accept, "accept-encoding": encoding})


@pytest.mark.parametrize("path", ["/", "/acme/production", "/acme/production/runs/run_01"])
async def test_any_address_of_the_application_is_its_page(built: Path, path: str) -> None:
    answer = await ask(built, path)

    assert (answer.status, answer.body.decode()) == (200, PAGE)
    assert answer.headers["content-security-policy"] == POLICY
    assert answer.headers["cache-control"] == "no-cache"


async def test_files_with_a_hash_are_kept_for_good(built: Path) -> None:
    answer = await ask(built, "/assets/main-1a2b.js", accept="*/*")

    assert (answer.status, answer.body) == (200, b"export {};")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


async def test_who_takes_gzip_is_sent_the_compressed_copy(built: Path) -> None:
    plain = (built / "assets" / "main-1a2b.js").read_bytes()
    (built / "assets" / "main-1a2b.js.gz").write_bytes(gzip.compress(plain))

    packed = await ask(built, "/assets/main-1a2b.js", encoding="br, gzip")
    whole = await ask(built, "/assets/main-1a2b.js")

    assert (packed.headers["content-encoding"], gzip.decompress(packed.body)) == ("gzip", plain)
    assert ("content-encoding" in whole.headers, whole.body) == (False, plain)
    for answer in (packed, whole):
        assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
        assert answer.headers["vary"] == "accept-encoding"
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert packed.headers["etag"] != whole.headers["etag"]


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/assets/../secret.txt", "/assets/%2e%2e/secret.txt", "/assets/"]
)
async def test_what_is_no_file_of_it_is_not_found(built: Path, path: str) -> None:
    assert (await ask(built, path)).status == 404


async def test_a_program_is_told_what_is_here_and_finds_nothing_else(built: Path) -> None:
    root = await ask(built, "/", accept="*/*")

    assert root.status == 200
    assert root.body.decode().startswith("This is a Headgate server.")
    assert b"http://headgate.test/graphql" in root.body
    assert (await ask(built, "/acme/production", accept="application/json")).status == 404


async def test_without_a_build_a_browser_is_told_the_same(tmp_path: Path) -> None:
    root = await ask(tmp_path, "/")

    assert root.body.decode().startswith("This is a Headgate server.")
    assert (await ask(tmp_path, "/acme/production")).status == 404
    assert (await ask(tmp_path, "/assets/main-1a2b.js")).status == 404
