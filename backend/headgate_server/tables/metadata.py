"""The metadata every table belongs to, and the column shapes they share."""

from sqlalchemy import BigInteger, Boolean, Column, DateTime, MetaData, Text, text
from sqlalchemy.dialects.postgresql import JSONB, UUID

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def uuid(name: str, *, is_nullable: bool = False, is_key: bool = False) -> Column[object]:
    """Return a UUID column."""
    return Column(name, UUID(as_uuid=True), nullable=is_nullable, primary_key=is_key)


def moment(name: str, *, is_nullable: bool = False, is_now: bool = False) -> Column[object]:
    """Return an aware timestamp column; ``is_now`` fills it with the transaction's time."""
    default = text("now()") if is_now else None
    return Column(name, DateTime(timezone=True), nullable=is_nullable, server_default=default)


def words(name: str, *, is_nullable: bool = False) -> Column[object]:
    """Return a text column."""
    return Column(name, Text, nullable=is_nullable)


def json(name: str, *, is_nullable: bool = False, default: str | None = None) -> Column[object]:
    """Return a jsonb column; ``default`` is JSON text."""
    # nosemgrep: statements-are-whole - defaults of ours
    filled = text(f"'{default}'::jsonb") if default is not None else None
    return Column(name, JSONB(none_as_null=True), nullable=is_nullable, server_default=filled)


def number(name: str, *, is_nullable: bool = False, default: int | None = None) -> Column[object]:
    """Return a 64-bit integer column."""
    filled = text(str(default)) if default is not None else None
    return Column(name, BigInteger, nullable=is_nullable, server_default=filled)


def flag(name: str) -> Column[object]:
    """Return a boolean column that is false unless it is set."""
    return Column(name, Boolean, nullable=False, server_default=text("false"))


def actor(
    prefix: str, *, is_nullable: bool = False
) -> tuple[Column[object], Column[object], Column[object]]:
    """Return the three columns that name an actor, so that history outlives the actor's row."""
    return (
        words(f"{prefix}_kind", is_nullable=is_nullable),
        uuid(f"{prefix}_id", is_nullable=True),
        words(f"{prefix}_name", is_nullable=is_nullable),
    )
