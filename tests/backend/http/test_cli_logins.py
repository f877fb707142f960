"""Logins of command lines: by the browser of their machine, and by a code that is typed in."""

import asyncio
import base64
import hashlib
import re
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import select

from headgate_server.database.urls import DatabaseUrls
from headgate_server.domain import ids
from headgate_server.domain.permissions import BuiltinRole
from headgate_server.repositories import users as stored
from headgate_server.services import members
from headgate_server.tables.login_sessions import cli_logins
from tests.factories.members import everywhere, make_member
from tests.factories.people import PASSWORD, Person, cheap_hasher
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import Installation
from tests.fixtures.sql import query
from tests.fixtures.visitors import Visitor, visit

CLIENT = "headgate on a laptop"
VERIFIER = "a verifier of more than forty-three characters, all random"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=")
ANSWER_SECONDS = 10
STATE = "state-state-state"
VIEWER = "{ viewer { user { email } apiKey { id name expiresAt scopes } scopes } }"
LATER = "update cli_logins set polled_at = polled_at - interval '1 hour' returning 1"
ONE_KEY = "select count(*) from api_keys where name like 'headgate on%'"
USER_CODE = re.compile(r"[B-DF-HJ-NP-TV-XZ]{4}-[B-DF-HJ-NP-TV-XZ]{4}")
REVOKE = 'mutation { apiKeyRevoke(input: {id: "%s"}) { deletedId errors { code } } }'


@pytest.fixture
async def visitor(installation: Installation, person: Person) -> AsyncGenerator[Visitor]:
    """The owner of the tenant at a browser, signed in."""
    async with visit(installation.app) as visitor:
        await visitor.post("/auth/sign-in", email=person.email, password=person.password)
        yield visitor


@pytest.fixture
async def terminal(installation: Installation) -> AsyncGenerator[Visitor]:
    """A program: it has no cookie and names no page."""
    async with visit(installation.app) as terminal:
        yield terminal


async def begin(terminal: Visitor, **sent: Any) -> dict[str, Any]:
    answer = await terminal.client.post("/auth/device/begin", json={"client": CLIENT} | sent)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def poll(terminal: Visitor, device_code: str) -> Any:
    return await terminal.client.post("/auth/device/token", json={"deviceCode": device_code})


async def place_of(visitor: Visitor) -> str:
    page = (await visitor.get("/auth/device")).text
    (found,) = re.findall(r'<option value="(org_\w+)">', page)
    return found


async def decide(visitor: Visitor, code: str, *, is_allowed: bool = True) -> Any:
    place = await place_of(visitor)
    return await visitor.post(
        "/auth/device/decide", code=code, isAllowed=is_allowed, organization=place
    )


async def allow(visitor: Visitor, **changed: Any) -> Any:
    sent = {
        "port": 50_000,
        "state": STATE,
        "challenge": CHALLENGE.decode(),
        "client": CLIENT,
        "isAllowed": True,
        "organization": await place_of(visitor),
    }
    return await visitor.post("/auth/cli/allow", **(sent | changed))


def sent_in(answer: Any) -> dict[str, str]:
    location = str(answer.json()["location"])
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def code_in(answer: Any) -> str:
    return sent_in(answer)["code"]


async def redeem(terminal: Visitor, code: str, *, verifier: str = VERIFIER) -> Any:
    body = {"code": code, "verifier": verifier}
    return await terminal.client.post("/auth/cli/token", json=body)


async def test_terminal_gets_a_key_of_the_person_by_a_code(
    installation: Installation, visitor: Visitor, terminal: Visitor, urls: DatabaseUrls
) -> None:
    begun = await begin(terminal, days=30, scopes=["RUNS_READ", "ORG_READ"])

    pending = await poll(terminal, begun["deviceCode"])
    shown = (await visitor.post("/auth/device/look", code=begun["userCode"])).json()
    await decide(visitor, begun["userCode"].lower().replace("-", " "))
    assert await query(urls.system, LATER) == 1
    done = (await poll(terminal, begun["deviceCode"])).json()
    api = ApiClient(installation.app, token=done["apiKey"])
    viewer = (await api.execute(VIEWER)).data["viewer"]

    assert pending.json()["errors"][0]["extensions"]["code"] == "AUTHORIZATION_PENDING"
    assert (shown["client"], shown["ip"], shown["scopes"]) == (
        CLIENT,
        "127.0.0.1",
        "ORG_READ, RUNS_READ",
    )
    assert viewer["user"]["email"] == "ada@example.com"
    assert viewer["apiKey"]["name"] == CLIENT
    assert viewer["scopes"] == ["ORG_READ", "RUNS_READ"]
    left = datetime.fromisoformat(done["expiresAt"]) - datetime.fromisoformat(
        viewer["apiKey"]["expiresAt"]
    )
    assert left == timedelta(0)
    assert done["apiKey"].startswith("hg_key_")


async def test_code_has_no_vowels_and_a_device_code_256_bits(terminal: Visitor) -> None:
    found = [await begin(terminal) for _ in range(10)]

    assert all(USER_CODE.fullmatch(one["userCode"]) for one in found)
    assert min(len(one["deviceCode"]) for one in found) >= 43
    assert (found[0]["expiresIn"], found[0]["interval"]) == (600, 5)
    assert found[0]["verificationUrlComplete"].endswith(f"/auth/device?code={found[0]['userCode']}")


async def test_terminal_that_asks_too_often_is_slowed_down(
    visitor: Visitor, terminal: Visitor, urls: DatabaseUrls
) -> None:
    begun = await begin(terminal)

    answers = [await poll(terminal, begun["deviceCode"]) for _ in range(3)]

    codes = [one.json()["errors"][0]["extensions"]["code"] for one in answers]
    assert codes == ["AUTHORIZATION_PENDING", "SLOW_DOWN", "SLOW_DOWN"]
    assert await query(urls.system, "select interval_seconds from cli_logins") == 15


async def test_key_is_handed_over_once(
    installation: Installation, visitor: Visitor, terminal: Visitor, urls: DatabaseUrls
) -> None:
    begun = await begin(terminal)
    await decide(visitor, begun["userCode"])

    answers = await asyncio.gather(*(poll(terminal, begun["deviceCode"]) for _ in range(5)))
    again = await decide(visitor, begun["userCode"])

    assert sorted(one.status_code for one in answers) == [200, 400, 400, 400, 400]
    assert again.status_code == 404
    assert await query(urls.system, ONE_KEY) == 1


async def test_nobody_waits_while_another_asks_under_the_same_code(
    installation: Installation, visitor: Visitor, terminal: Visitor, urls: DatabaseUrls
) -> None:
    begun, other = await begin(terminal), await begin(terminal)
    async with installation.database.system() as work:
        await work.execute(select(cli_logins.c.id).with_for_update())
        async with asyncio.timeout(ANSWER_SECONDS):
            answers = await asyncio.gather(
                *(poll(terminal, begun["deviceCode"]) for _ in range(15))
            )
            unknown = await poll(terminal, "unknown")
            shown = await visitor.post("/auth/device/look", code=other["userCode"])

    told = [one.json()["errors"][0]["extensions"]["code"] for one in (unknown, *answers)]
    assert told == ["EXPIRED_CODE"] + ["AUTHORIZATION_PENDING"] * 15
    assert shown.status_code == 200
    await decide(visitor, begun["userCode"])
    assert (await poll(terminal, begun["deviceCode"])).status_code == 200


async def test_flood_under_one_code_is_429_and_keeps_no_other_from_its_key(
    visitor: Visitor, terminal: Visitor
) -> None:
    begun, other = await begin(terminal), await begin(terminal)
    await decide(visitor, other["userCode"])

    answers = [await poll(terminal, begun["deviceCode"]) for _ in range(21)]
    granted = await poll(terminal, other["deviceCode"])
    guesses = [await poll(terminal, f"code {number}") for number in range(21)]

    assert [one.status_code for one in answers] == [400] * 20 + [429]
    assert granted.status_code == 200
    assert [one.status_code for one in guesses] == [400] * 20 + [429]


async def test_refusal_is_told(
    installation: Installation, visitor: Visitor, terminal: Visitor
) -> None:
    begun = await begin(terminal)

    await decide(visitor, begun["userCode"], is_allowed=False)
    answer = await poll(terminal, begun["deviceCode"])

    assert answer.json()["errors"][0]["extensions"]["code"] == "ACCESS_DENIED"


async def test_codes_end_after_ten_minutes(
    visitor: Visitor, terminal: Visitor, urls: DatabaseUrls
) -> None:
    begun = await begin(terminal)
    moved = "update cli_logins set expires_at = expires_at - interval '10 minutes' returning 1"
    assert await query(urls.system, moved) == 1

    looked = await visitor.post("/auth/device/look", code=begun["userCode"])
    polled = await poll(terminal, begun["deviceCode"])

    assert looked.status_code == 404
    assert polled.json()["errors"][0]["extensions"]["code"] == "EXPIRED_CODE"


async def test_sixth_wrong_code_is_429(visitor: Visitor, terminal: Visitor) -> None:
    begun = await begin(terminal)

    right = [
        (await visitor.post("/auth/device/look", code=begun["userCode"])).status_code
        for _ in range(6)
    ]
    wrong = [
        (await visitor.post("/auth/device/look", code="BCDF-BCDF")).status_code for _ in range(6)
    ]
    late = await visitor.post("/auth/device/look", code=begun["userCode"])

    assert right == [200] * 6
    assert wrong == [404] * 5 + [429]
    assert late.status_code == 429


async def test_stranger_answers_nothing(terminal: Visitor) -> None:
    begun = await begin(terminal)

    page = await terminal.get("/auth/device", code=begun["userCode"])
    looked = await terminal.post("/auth/device/look", code=begun["userCode"])

    assert page.status_code == 303
    assert page.headers["location"].startswith("/auth/sign-in?next=%2Fauth%2Fdevice%3Fcode%3D")
    assert looked.status_code == 401


async def test_nobody_logs_in_to_an_organization_of_others(
    installation: Installation, visitor: Visitor, terminal: Visitor
) -> None:
    begun = await begin(terminal)
    foreign = await installation.tenant()
    answer = await visitor.post(
        "/auth/device/decide",
        code=begun["userCode"],
        isAllowed=True,
        organization=ids.show(ids.Kind.ORGANIZATION, foreign.organization_id),
    )
    polled = await poll(terminal, begun["deviceCode"])

    assert answer.status_code == 403
    assert polled.json()["errors"][0]["extensions"]["code"] == "AUTHORIZATION_PENDING"


async def test_browser_hands_a_code_to_the_terminal_of_its_machine(
    installation: Installation, visitor: Visitor, terminal: Visitor
) -> None:
    page = await visitor.get(
        "/auth/cli", port="50000", state=STATE, challenge=CHALLENGE.decode(), client=CLIENT
    )
    answer = await allow(visitor)
    done = (await redeem(terminal, code_in(answer))).json()
    api = ApiClient(installation.app, token=done["apiKey"])
    viewer = (await api.execute(VIEWER)).data["viewer"]

    location = urlsplit(str(answer.json()["location"]))
    assert f"<dd>{CLIENT}</dd>" in page.text
    assert (location.scheme, location.netloc, location.path) == (
        "http",
        "127.0.0.1:50000",
        "/callback",
    )
    assert sent_in(answer)["state"] == STATE
    assert viewer["apiKey"]["name"] == CLIENT
    assert "ORG_ADMIN" in viewer["scopes"]


async def test_code_of_a_browser_is_good_once_and_for_one_verifier(
    visitor: Visitor, terminal: Visitor
) -> None:
    stolen, used = code_in(await allow(visitor)), code_in(await allow(visitor))

    wrong = await redeem(terminal, stolen, verifier="x" * 43)
    after = await redeem(terminal, stolen)
    first, second = await redeem(terminal, used), await redeem(terminal, used)

    codes = [one.status_code for one in (wrong, after, first, second)]
    assert codes == [400, 400, 200, 400]


@pytest.mark.parametrize(
    "changed",
    [
        {"port": 80},
        {"port": 70_000},
        {"port": "evil.test:80"},
        {"state": "short"},
        {"state": "a b c d e f g h i j"},
        {"challenge": "short"},
        {"client": ""},
        {"client": "a\nb"},
        {"client": "x" * 101},
        {"days": 0},
        {"days": 366},
        {"organization": ""},
    ],
    ids=str,
)
async def test_bad_wish_is_refused(visitor: Visitor, changed: dict[str, Any]) -> None:
    answer = await allow(visitor, **changed)

    assert answer.status_code == 400


async def test_refusal_goes_back_to_the_terminal(visitor: Visitor) -> None:
    answer = await allow(visitor, isAllowed=False)

    assert sent_in(answer) == {"error": "access_denied", "state": STATE}


async def test_page_of_another_site_allows_nothing(visitor: Visitor) -> None:
    answer = await visitor.client.post(
        "/auth/cli/allow", json={}, headers={"origin": "https://evil.test", "x-headgate": "1"}
    )

    assert answer.status_code == 403


async def test_name_of_a_client_is_shown_as_a_text(visitor: Visitor) -> None:
    page = await visitor.get(
        "/auth/cli",
        port="50000",
        state=STATE,
        challenge=CHALLENGE.decode(),
        client='"><script>alert(1)</script>',
    )

    assert page.text.count("<script") == 1
    assert "&lt;script&gt;alert(1)" in page.text


async def test_key_does_what_the_person_may_by_then(
    installation: Installation, tenant: Tenant, terminal: Visitor
) -> None:
    member = await make_member(installation.database, tenant, everywhere(BuiltinRole.DEVELOPER))
    user_id = member.principal.actor.id
    assert user_id is not None
    async with installation.database.system() as work:
        hashed = await cheap_hasher().hash(PASSWORD)
        await stored.set_password(work, id_=user_id, password_hash=hashed)
        found = await stored.find_user(work, id_=user_id)
    assert found is not None
    async with visit(installation.app) as browser:
        await browser.post("/auth/sign-in", email=found.email, password=PASSWORD)
        code = code_in(await allow(browser))
        lost = code_in(await allow(browser))
        first = (await redeem(terminal, code)).json()
        async with installation.database.tenant(tenant.owner, None) as work:
            await members.remove_member(work, granter=tenant.owner, id_=member.id)
        refused = await redeem(terminal, lost)

    answer = await ApiClient(installation.app, token=first["apiKey"]).execute(VIEWER)
    assert answer.status == 401
    assert refused.status_code == 400


async def test_key_revokes_itself_and_no_other(
    installation: Installation, visitor: Visitor, terminal: Visitor
) -> None:
    codes = [code_in(await allow(visitor, scopes=["RUNS_READ"])) for _ in range(2)]
    first, other = [(await redeem(terminal, code)).json() for code in codes]
    api = ApiClient(installation.app, token=first["apiKey"])

    refused = (await api.execute(REVOKE % other["keyId"])).data["apiKeyRevoke"]
    done = (await api.execute(REVOKE % first["keyId"])).data["apiKeyRevoke"]

    assert refused["errors"] == [{"code": "FORBIDDEN"}]
    assert done == {"deletedId": first["keyId"], "errors": []}
    assert (await api.execute(VIEWER)).status == 401
