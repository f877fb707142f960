"""Prefect's place for some names; what they name lives elsewhere, and nothing else lives here."""
