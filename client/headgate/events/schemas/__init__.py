"""Prefect's place for what events are."""
