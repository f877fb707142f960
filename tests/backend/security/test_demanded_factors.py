"""Organizations that demand a second factor: nobody comes in without, by any way."""

from typing import Any

import pytest
from pyotp.totp import TOTP

from tests.factories.people import PASSWORD, Person, code_of, enrol
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient, open_socket, serve
from tests.fixtures.browsers import COOKIE, Browser
from tests.fixtures.installations import Installation
from tests.fixtures.provider_worlds import ProviderWorld

PLACES = "{ viewer { organizations { nodes { id requiresSecondFactor } } } }"
DEMAND = """mutation ($id: ID!, $is: Boolean) {
  organizationUpdate(input: {id: $id, requireSecondFactor: $is}) {
    organization { requiresSecondFactor } errors { code message } } }"""


async def place_of(client: Any) -> str:
    (found,) = (await client.execute(PLACES)).data["viewer"]["organizations"]["nodes"]
    return str(found["id"])


async def demand(client: Any, place: str, *, is_on: bool = True) -> dict[str, Any]:
    answer = await client.execute(DEMAND, id=place, **{"is": is_on})
    return dict(answer.data["organizationUpdate"])


@pytest.fixture
async def api(installation: Installation, tenant: Tenant) -> ApiClient:
    """A key of the owner's for all of the organization."""
    return await installation.client(tenant, is_bound=False)


async def test_organization_that_demands_a_second_factor_lets_nobody_in_without(
    installation: Installation, api: ApiClient, browser: Browser, person: Person
) -> None:
    place = await place_of(api)
    assert (await demand(api, place))["organization"] == {"requiresSecondFactor": True}

    refused = await browser.execute(PLACES)
    page = await ApiClient(installation.app, path="/auth/account").request(
        "GET", headers={"cookie": f"{COOKIE}={browser.cookie}"}
    )
    await enrol(installation.database, person)
    assert person.totp is not None
    code = await code_of(installation.database, person.totp)
    proven = Browser(installation.app)
    await proven.sign_in(person, code=code)

    assert (refused.status, refused.code) == (403, "FORBIDDEN")
    assert "/auth/account" in refused.error["message"]
    assert page.status == 200
    assert await place_of(proven) == place
    assert (await api.execute(PLACES)).status == 200


async def test_code_is_read_with_its_blanks_and_refused_in_other_letters(
    browser: Browser, installation: Installation
) -> None:
    begun = await browser.send("/auth/second-factor/begin", {"password": PASSWORD})
    code = await code_of(installation.database, TOTP(begun.json["secret"]))
    odd = ["é", code.translate({48 + digit: 0xFF10 + digit for digit in range(10)}), ""]

    refused = [await browser.send("/auth/second-factor/confirm", {"code": one}) for one in odd]
    done = await browser.send("/auth/second-factor/confirm", {"code": f" {code[:3]} {code[3:]}"})

    assert [one.status for one in refused] == [400] * 3
    assert done.status == 200


async def test_session_in_which_the_factor_is_turned_on_comes_in_and_goes_out_with_it(
    api: ApiClient, browser: Browser, installation: Installation, person: Person
) -> None:
    place = await place_of(api)
    await demand(api, place)

    begun = await browser.send("/auth/second-factor/begin", {"password": PASSWORD})
    assert begun.status == 200
    from_app = await _confirm(browser, installation, begun.json["secret"])
    inside = (await browser.execute(PLACES)).status
    ended = await browser.send("/auth/second-factor/end", {"code": from_app[0]})

    assert inside == 200
    assert ended.status == 200
    assert (await browser.execute(PLACES)).status == 403


async def test_nobody_shuts_themselves_out(browser: Browser) -> None:
    place = await place_of(browser)

    refused = await demand(browser, place)

    assert [one["code"] for one in refused["errors"]] == ["FORBIDDEN"]
    assert (await browser.execute(PLACES)).status == 200


async def test_terminal_is_given_no_key_by_a_session_without(
    api: ApiClient, browser: Browser
) -> None:
    place = await place_of(api)
    begun = (await browser.send("/auth/device/begin", {"client": "x"})).json
    await demand(api, place)

    by_code = await browser.send(
        "/auth/device/decide",
        {"code": begun["userCode"], "isAllowed": True, "organization": place},
    )
    by_browser = await browser.send(
        "/auth/cli/allow",
        {
            "port": 50_000,
            "state": "state-state-state",
            "challenge": "a" * 43,
            "client": "x",
            "isAllowed": True,
            "organization": place,
        },
    )

    assert [(one.status, one.code) for one in (by_code, by_browser)] == [(403, "FORBIDDEN")] * 2


async def test_open_socket_without_closes_as_it_is_demanded(
    installation: Installation, api: ApiClient, browser: Browser
) -> None:
    place = await place_of(api)
    async with (
        serve(installation.app) as address,
        open_socket(
            address, origin=f"http://{address}", cookie=f"{COOKIE}={browser.cookie}"
        ) as socket,
    ):
        assert (await socket.init(None))["type"] == "connection_ack"
        await demand(api, place)
        code = await socket.closed()

    assert code == 4403


async def test_person_of_a_provider_comes_in(provider_world: ProviderWorld) -> None:
    world = provider_world
    await world.sign_in()
    owner = await world.installation.client(world.tenant, is_bound=False)
    done = await demand(owner, await place_of(owner))
    assert done["errors"] == []

    told = await world.visitor.ask(PLACES)

    assert told["viewer"]["organizations"]["nodes"][0]["requiresSecondFactor"] is True


async def _confirm(browser: Browser, installation: Installation, secret: str) -> list[str]:
    from_app = await code_of(installation.database, TOTP(secret))
    done = await browser.send("/auth/second-factor/confirm", {"code": from_app})
    assert done.status == 200
    return list(done.json["recoveryCodes"])
