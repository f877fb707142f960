"""Blocks: types registered, documents filled in, and secrets opened for runs and for people."""
