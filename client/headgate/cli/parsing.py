"""Builds the parser from the command tree; a verb's module is imported when the verb is called."""

from collections.abc import Sequence

from cyclopts import App, CycloptsError, Parameter

from headgate.cli import tree
from headgate.cli.failures import CommandError, ExitCode
from headgate.version import VERSION


def build() -> App:
    """Return the parser of the whole command line."""
    app = App(
        name="headgate",
        help="Write flows in Python, run them anywhere.",
        version=VERSION,
        version_flags=["--version"],
        help_format="plaintext",
        help_formatter="plain",
        default_parameter=Parameter(negative=()),
        suppress_keyboard_interrupt=False,
        result_action="return_value",
    )
    for verb in tree.VERBS:
        app.command(verb.target, name=verb.name, version_flags=[])
    for noun in tree.NOUNS:
        group = App(name=noun.name, help=noun.summary, version_flags=[])
        for verb in noun.verbs:
            group.command(verb.target, name=verb.name, version_flags=[])
        app.command(group)
    return app


def run(tokens: Sequence[str]) -> int:
    """Call the verb that the arguments name and return its exit code.

    Raises:
        CommandError: the arguments name no verb, or do not fit it.
        HeadgateError: the verb could not do what it should.
    """
    app = build()
    try:
        result = app(tokens, print_error=False, exit_on_error=False)
    except CycloptsError as error:
        words = [token for token in tokens if not token.startswith("-")]
        command = " ".join(["headgate", *_known_words(words)])
        raise CommandError(
            str(error).strip(),
            code=ExitCode.USAGE,
            hints=[f"`{command} --help` shows how it is used."],
        ) from error
    return int(result or ExitCode.OK)


def _known_words(words: list[str]) -> list[str]:
    """Return the leading arguments that name a noun and its verb."""
    if not words:
        return []
    if any(verb.name == words[0] for verb in tree.VERBS):
        return words[:1]
    for noun in tree.NOUNS:
        if noun.name == words[0]:
            names = {verb.name for verb in noun.verbs}
            return words[:2] if len(words) > 1 and words[1] in names else words[:1]
    return []
