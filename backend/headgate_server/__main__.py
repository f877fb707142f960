"""Starts the headgate-server command."""

from headgate_server.loading import load


def main(arguments: list[str] | None = None) -> None:
    """Run the command; see ``headgate_server.commands``."""
    load("commands").main(arguments)


if __name__ == "__main__":
    main()
