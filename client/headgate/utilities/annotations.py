"""Prefect's place for the marks on arguments."""

from typing import TYPE_CHECKING

from headgate import elsewhere
from headgate.annotations import BaseAnnotation, allow_failure, opaque, quote, unmapped

Quote = quote

__all__ = ["BaseAnnotation", "Quote", "allow_failure", "opaque", "quote", "unmapped"]

if not TYPE_CHECKING:
    __getattr__ = elsewhere.lookup(__name__)
