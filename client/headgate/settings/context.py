"""Prefect's place for the settings as they are now."""

from headgate.settings.named import get_current_settings, temporary_settings

__all__ = ["get_current_settings", "temporary_settings"]
