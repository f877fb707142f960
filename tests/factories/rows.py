"""What is left of a place in the tables."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, literal_column, select, table, text


async def rows_of(owner: Any, column: str, id_: UUID) -> dict[str, int]:
    """Return how many rows each table holds of a place; from the catalogue."""
    await owner.rollback()
    tables = await owner.execute(
        text(
            "select table_name from information_schema.columns join information_schema.tables "
            "using (table_schema, table_name) where table_schema = 'public' and column_name = "
            ":column and table_type = 'BASE TABLE' and table_name not like 'audit%' "
            "and table_name !~ '_(y|p|d)?[0-9]{6,}' order by 1"
        ),
        {"column": column},
    )
    counts: dict[str, int] = {}
    place: ColumnElement[UUID] = literal_column(column)
    for (name,) in tables.all():
        found = select(func.count()).select_from(table(name)).where(place == id_)
        if count := (await owner.execute(found)).scalar_one():
            counts[name] = count
    return counts
