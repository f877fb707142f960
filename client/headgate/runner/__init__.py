"""Prefect's place for what serves flows and where their code is."""
