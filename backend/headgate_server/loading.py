"""Loads what a command needs without the garbage collector, which would find nothing there.

Two thousand modules make 300,000 objects that stay: the collector would look through all of them
again and again while they come, and once more whenever it looks at what is old.
"""

import gc
from importlib import import_module
from typing import Any


def load(name: str) -> Any:
    """Return a module of this package; no collection looks at anything that is there by then."""
    gc.disable()
    try:
        return import_module(f"headgate_server.{name}")
    finally:
        gc.freeze()
        gc.enable()
