"""The tables of a publication as its last real run wrote them: names and types, kept in `serving_tables.txt`.

    python tests/serving_tables.py data/serving/serving.duckdb     writes the list anew

So that a page's test needs no run, and a test (test_orchestration_run) says when the list is out of date.
"""

from __future__ import annotations

import re
import sys
from functools import cache
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
    there: dict[str, set[str]] = {}
    for table, column in connection.execute(
        "select table_schema || '.' || table_name, column_name from information_schema.columns"
    ).fetchall():
        there.setdefault(table, set()).add(column)
    connection.execute("begin")  # one commit: 160 of them take seconds
    for table, columns in _listed().items():
        connection.execute(f"create schema if not exists {table.split('.')[0]}")
        if table not in there:
            connection.execute(f"create table {table} ({', '.join(f'{n} {k}' for n, k in columns)})")
        for name, kind in columns:
            if name not in there.get(table, {name}):
                connection.execute(f"alter table {table} add column {name} {kind}")
    connection.execute("commit")


@cache
def _listed() -> dict[str, list[tuple[str, str]]]:
    """('total_score', 'decimal(18,6)') of each column by table; a comma inside brackets parts nothing."""
    lines = [line.split(": ", 1) for line in LIST.read_text(encoding="utf-8").splitlines()]
    return {
        table: [tuple(each.split(" ", 1)) for each in re.split(r", (?![^(]*\))", columns)]
        for table, columns in lines
    }


if __name__ == "__main__":
    LIST.write_text(published(Path(sys.argv[1])), encoding="utf-8")
