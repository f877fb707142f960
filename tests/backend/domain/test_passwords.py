"""Which passwords are good enough."""

import pytest

from headgate_server.domain.errors import InvalidInput
from headgate_server.domain.passwords import check_password


@pytest.mark.parametrize(
    "common",
    [
        "leavemealone",
        "LeaveMeAlone",
        "123456qwerty",
        "1qaz2wsx3edc",
        "password12345",
        "Password!2026",
        "!!!iloveyou!!!",
        "sunshinesunshine",
        "sunshinesunshine99",
        "012345678901234",
        "2026-11-28 20:00",
    ],
)
def test_password_that_many_have_is_refused(common: str) -> None:
    with pytest.raises(InvalidInput):
        check_password(common)


@pytest.mark.parametrize(
    "near", ["headgate-2026!", "AdaLovelace1815", "ada.lovelace@example", "headgate ada 1815"]
)
def test_password_of_words_that_belong_to_the_place_is_refused(near: str) -> None:
    with pytest.raises(InvalidInput):
        check_password(near, email="ada.lovelace@example.com")


@pytest.mark.parametrize(
    "good",
    [
        "four words make sense",
        "sunshine over headgate",
        "пароль из четырёх слов",
        "correct horse battery staple",
        "Zq4-xT9_wLm2",
        " leading and trailing ",
    ],
)
def test_other_passwords_are_taken_as_they_are(good: str) -> None:
    assert check_password(good, email="ada@example.com") == good
