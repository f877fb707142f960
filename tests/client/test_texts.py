"""What others wrote gives no orders to the terminal that shows it."""

import pytest

from headgate.texts import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain\ttext\nof two lines", "plain\ttext\nof two lines"),
        ("\x1b[31mred", "\x1b[31mred\x1b[0m"),
        ("\x1b]0;a title\x07", "\\x1b]0;a title\\x07"),
        ("\x1b[2J", "\\x1b[2J"),
        ("over\rwritten", "over\\rwritten"),
        ("\x9b31m", "\\x9b31m"),
        ("nul\0", "nul\\x00"),
        ("gpj\u202e.exe", "gpj\\u202e.exe"),
    ],
)
def test_orders_to_the_terminal_are_shown_and_not_followed(text: str, shown: str) -> None:
    assert visible(text) == shown
