"""Prefect's place for the marks on arguments."""

from headgate.annotations import allow_failure, quote, unmapped

__all__ = ["allow_failure", "quote", "unmapped"]
