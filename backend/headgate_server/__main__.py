"""Starts the headgate-server command.

Nineteen hundred modules are loaded first, of which nothing is garbage: the collector, which would
look through them again and again, rests meanwhile (a sixth of the processor time of a start).
"""

import gc
from importlib import import_module


def main(arguments: list[str] | None = None) -> None:
    """Run the command; see ``headgate_server.commands``."""
    gc.disable()
    try:
        commands = import_module("headgate_server.commands")
    finally:
        gc.enable()
    commands.main(arguments)


if __name__ == "__main__":
    main()
