"""Locks on cache keys: of all who want a result, one computes it; the names are Prefect's."""
