"""What Alembic sees: one table family per file."""
