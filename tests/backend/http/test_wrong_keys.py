"""Wrong keys: limited by address and by key, and nobody is kept out who has a good one."""

from collections import Counter
from dataclasses import replace

import pytest

from headgate_server.domain.api_keys import KeyToken, key_token, new_secret, parse_token
from headgate_server.domain.ids import new_id
from tests.factories.tenants import Tenant
from tests.fixtures.api import ApiClient
from tests.fixtures.installations import PEPPER, Installation

pytestmark = pytest.mark.anyio

VIEWER = "{ viewer { scopes } }"
ELSEWHERE = "192.0.2.7"


def forged(client: ApiClient, *, is_of_any: bool = False) -> ApiClient:
    """Return a client with a wrong secret of the same key, or of a key that is none."""
    parsed = parse_token(client.token or "", pepper=PEPPER)
    assert isinstance(parsed, KeyToken)
    id_ = new_id() if is_of_any else parsed.id
    return replace(client, token=key_token(id_, kind=parsed.kind, secret=new_secret()))


async def test_wrong_secrets_of_a_key_are_looked_up_a_few_times_only(
    installation: Installation, tenant: Tenant, statements: list[str]
) -> None:
    key, other = await installation.client(tenant), await installation.client(tenant)
    await key.execute(VIEWER)

    refused = [await forged(key).execute(VIEWER) for _ in range(25)]
    statements.clear()
    late = await forged(key).execute(VIEWER)
    asked = list(statements)
    good = [await client.execute(VIEWER) for client in (key, other)]
    elsewhere = await forged(replace(key, address=ELSEWHERE)).execute(VIEWER)

    assert Counter(answer.status for answer in refused) == {401: 20, 429: 5}
    assert (late.status, asked) == (429, [])
    assert late.error["extensions"]["code"] == "RATE_LIMITED"
    assert 1 <= int(late.headers["retry-after"]) <= 3
    assert [answer.status for answer in good] == [200, 200]
    assert elsewhere.status == 401


async def test_keys_that_are_none_are_limited_by_the_address(
    installation: Installation, tenant: Tenant
) -> None:
    key, never_seen = await installation.client(tenant), await installation.client(tenant)
    await key.execute(VIEWER)

    async def guess() -> int:
        return (await forged(key, is_of_any=True).execute(VIEWER)).status

    seen = Counter([await guess() for _ in range(230)])

    assert seen[401] >= 200
    assert seen[429] > 0
    assert (await key.execute(VIEWER)).status == 200
    assert (await replace(never_seen, address=ELSEWHERE).execute(VIEWER)).status == 200
