"""What a loaded block holds of other blocks and stores, as it is saved again."""

from typing import Any

from pydantic import BaseModel, SecretStr

from headgate.api.blocks import ResolvedBlock
from headgate.blocks import values
from headgate.blocks.external import SecretReference
from headgate.blocks.origins import Origin, named_elsewhere, origins_of, restored

DEV, LIVE = ({"$secret": {"provider": "env", "name": name}} for name in ("DEV", "LIVE"))


def test_each_of_two_secrets_of_one_value_keeps_its_own_place() -> None:
    origins = (Origin(("dev",), DEV, "same"), Origin(("live",), LIVE, "same"))

    assert restored({"dev": DEV, "live": DEV}, origins) == {"dev": DEV, "live": LIVE}
    assert restored({"dev": "same", "live": "other"}, origins) == {"dev": DEV, "live": "other"}


def test_own_secret_of_the_same_value_as_one_of_another_store_stays_its_own() -> None:
    data = {"password": "same", "inner": {"password": "same"}}
    found = ResolvedBlock(
        id="blk_1",
        type_slug="account",
        name="main",
        version=1,
        data=data,
        secret_paths=["password", "inner.password"],
        external_paths=["inner.password"],
        named_elsewhere={"inner.password": DEV},
    )

    origins = origins_of(found, data)
    kept = restored({"password": DEV, "inner": {"password": DEV}}, origins)

    assert named_elsewhere(origins) == [("same", DEV)]
    assert kept == {"password": "same", "inner": {"password": DEV}}
    assert "same" not in repr(origins)


def test_what_the_class_has_no_field_for_any_more_is_left_out() -> None:
    origins = (Origin(("gone", "password"), DEV, None), Origin(("live",), LIVE, "value"))

    assert restored({"live": "value"}, origins) == {"live": LIVE}


class Account(BaseModel):
    password: SecretStr
    others: list[SecretStr]


def test_place_that_somebody_gives_a_secret_stays_though_another_of_its_value_is_there() -> None:
    origins = (
        Origin(("password",), "same", "same"),
        Origin(("others", "0"), DEV, "same"),
        Origin(("others", "1"), LIVE, "same"),
    )
    account = Account(password=SecretStr("same"), others=[SecretStr("same"), SecretStr("same")])

    def saved() -> dict[str, Any]:
        exposure = values.Exposure(named=named_elsewhere(origins))
        return restored(exposure.fields(account), origins)

    untouched = saved()
    account.password = SecretReference.env("DEV")
    moved = saved()
    account.others[1] = SecretReference.env("DEV")
    both = saved()

    assert untouched == {"password": "same", "others": [DEV, LIVE]}
    assert moved == {"password": DEV, "others": [DEV, LIVE]}
    assert both == {"password": DEV, "others": [DEV, DEV]}
