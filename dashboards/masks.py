"""The published tables as a reader without personal data sees them: views of the same names, masked in SQL.

    personal.yml + catalog of the file  ->  database `masked`: a view a table, on which that reader's SQL runs

The mask stands under the page's own SQL, so no page, sort, filter or CSV can reach past it.
"""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import duckdb
import yaml

RULES = Path(__file__).parent / "personal.yml"
MASKED, DOTS = "masked", "•••"
ADDRESS = r"[^\s<>()\[\],;:|/]+@[^\s<>()\[\],;:|/]+"
PHONE = r"(\+[0-9]|\b0)[0-9() -]{7,}[0-9]"
MASKS = {
    "hidden": "case when {column} is not null then '{dots}' end",
    "pseudonym": "'#' || upper(substring(person_id, 1, 6))",
    "kind": "case when strpos({column}, ':') > 0 then split_part({column}, ':', 1) || ':{dots}' "
    "when {column} is not null then '{dots}' end",
    "scrubbed": "regexp_replace(regexp_replace({column}, '{address}', '{dots}', 'g'), "
    "'{phone}', '{dots}', 'g')",
}


def mask_of(column: str) -> str | None:
    """The mask of a text column by its name; None for a column that everybody may read."""
    return next((mask for pattern, mask in _rules() if pattern.fullmatch(column)), None)


@lru_cache(maxsize=1)
def _rules() -> tuple[tuple[re.Pattern[str], str], ...]:
    rules = yaml.safe_load(RULES.read_text(encoding="utf-8"))["columns"]
    return tuple((re.compile(rule["pattern"]), rule["mask"]) for rule in rules)


def write_views(connection: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """In the in-memory database `masked`, a view for each table of `catalog`. Raises duckdb.Error."""
    rows = connection.execute(
        "select table_schema, table_name, column_name, data_type from information_schema.columns "
        "where table_catalog = ? order by table_schema, table_name, ordinal_position",
        [catalog],
    ).fetchall()
    tables: dict[tuple[str, str], dict[str, str]] = {}
    for schema, table, column, kind in rows:
        tables.setdefault((schema, table), {})[column] = kind
    for schema in sorted({schema for schema, _ in tables}):
        connection.execute(f'create schema if not exists {MASKED}."{schema}"')
    for (schema, table), columns in tables.items():
        connection.execute(
            f'create view {MASKED}."{schema}"."{table}" as '
            f'select *{_replacements(columns)} from {catalog}."{schema}"."{table}"'
        )


def _replacements(columns: dict[str, str]) -> str:
    """` replace (…)` for the text columns that a rule masks; nothing when there is none."""
    masked = [
        f'{_expression(column, mask, "person_id" in columns)} as "{column}"'
        for column, kind in columns.items()
        if kind == "VARCHAR" and (mask := mask_of(column))
    ]
    return f" replace ({', '.join(masked)})" if masked else ""


def _expression(column: str, mask: str, has_person: bool) -> str:
    """The SQL of a mask; without a person there is no pseudonym, so the name is hidden."""
    shape = MASKS["hidden" if mask == "pseudonym" and not has_person else mask]
    return shape.format(column=f'"{column}"', dots=DOTS, address=ADDRESS, phone=PHONE)
