"""The demo: an installation full of organizations that do not exist, the same each time."""
