"""What a loaded block holds of other blocks and stores, as it is saved again."""

from headgate.blocks.origins import Origin, restored

DEV, LIVE = ({"$secret": {"provider": "env", "name": name}} for name in ("DEV", "LIVE"))


def test_each_of_two_secrets_of_one_value_keeps_its_own_place() -> None:
    origins = (Origin(("dev",), DEV, "same"), Origin(("live",), LIVE, "same"))

    assert restored({"dev": DEV, "live": DEV}, origins) == {"dev": DEV, "live": LIVE}
    assert restored({"dev": "same", "live": "other"}, origins) == {"dev": DEV, "live": "other"}


def test_what_the_class_has_no_field_for_any_more_is_left_out() -> None:
    origins = (Origin(("gone", "password"), DEV, None), Origin(("live",), LIVE, "value"))

    assert restored({"live": "value"}, origins) == {"live": LIVE}
