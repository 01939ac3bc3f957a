"""The tables of a publication as its last real run wrote them: names and types, kept in `serving_tables.txt`.

    python tests/serving_tables.py data/serving/serving.duckdb     writes the list anew

So that a page's test needs no run, and a test (test_orchestration_run) says when the list is out of date.
"""

from __future__ import annotations

import sys
from pathlib import Path

import duckdb

LIST = Path(__file__).with_suffix(".txt")


def published(file: Path) -> str:
    """One line a table: `schema.table: column type, column type`, in order of the alphabet."""
    with duckdb.connect(str(file), read_only=True) as connection:
        rows = connection.execute(
            "select table_schema || '.' || table_name, "
            "string_agg(column_name || ' ' || lower(data_type), ', ' order by ordinal_position) "
            "from information_schema.columns group by all order by 1"
        ).fetchall()
    return "".join(f"{table}: {columns}\n" for table, columns in rows)


def complete(connection: duckdb.DuckDBPyConnection) -> None:
    """Create every table of the list that is not there, and the columns that a table lacks."""
    for line in LIST.read_text(encoding="utf-8").splitlines():
        table, columns = line.split(": ", 1)
        connection.execute(f"create schema if not exists {table.split('.')[0]}")
        connection.execute(f"create table if not exists {table} ({columns})")
        there = {column[0] for column in connection.execute(f"select * from {table} limit 0").description}
        for name, kind in _split(columns):
            if name not in there:
                connection.execute(f"alter table {table} add column {name} {kind}")


def _split(columns: str) -> list[tuple[str, str]]:
    """('total_score', 'decimal(18,6)') of each column; a comma inside brackets parts nothing."""
    with duckdb.connect() as connection:
        connection.execute(f"create table one ({columns})")
        return connection.execute(
            "select column_name, data_type from information_schema.columns order by ordinal_position"
        ).fetchall()


if __name__ == "__main__":
    LIST.write_text(published(Path(sys.argv[1])), encoding="utf-8")
