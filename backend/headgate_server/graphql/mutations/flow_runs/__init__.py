"""Mutations on flow runs: create, begin, move, cancel, retry."""
