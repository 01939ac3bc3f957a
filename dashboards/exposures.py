"""Which tables each page reads, told to dbt: `exposures.yml`, made from the SQL of the pages.

    pages/*.md (SQL blocks)  ->  tables  ->  models, rule tables and sources of dbt_project  ->  exposures.yml

So `dbt ls --select +exposure:page_index` says what the overview stands on, and dbt's docs which pages would
miss a model. Metrics are left out: a metric brings its own table through the semantic model.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import yaml

from dashboards.pages import PAGES, Page, read_pages

FILE = Path("models") / "9_reporting" / "_exposures.yml"
HEAD = (
    "# Written by `ikusei dashboards exposures` from dashboards/pages/*.md; a test says when it is stale.\n"
)
UNBOUND = re.compile(r"\{\{.*?\}\}|\$\w+", re.DOTALL)  # metrics and parameters: they name no table


def tables_of(page: Page) -> list[str]:
    """'schema.table' of everything the SQL blocks of a page read, sorted. Raises ValueError, duckdb.Error."""
    return sorted({table for block in page.blocks.values() for table in _tables(block.sql)})


def _tables(sql: str) -> Iterator[str]:
    """Each base table of a statement, as DuckDB parses it; a name without a schema is a step of a `with`."""
    connection = duckdb.connect()
    text = connection.execute("select json_serialize_sql(?)", [UNBOUND.sub("null", sql)]).fetchone()[0]
    parsed = json.loads(text)
    if parsed["error"]:
        raise ValueError(f"{parsed['error_message']} in: {sql}")
    yield from _base_tables(parsed["statements"])


def _base_tables(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE" and node["schema_name"]:
            yield ".".join(
                part for part in (node["catalog_name"], node["schema_name"], node["table_name"]) if part
            )
        node = list(node.values())
    if isinstance(node, list):
        for each in node:
            yield from _base_tables(each)


def exposures(project: Path, pages: Path = PAGES) -> str:
    """The text of `exposures.yml` for a dbt project. Raises OSError, yaml.YAMLError, duckdb.Error."""
    nodes, sources = _nodes(project), _sources(project)
    told = [
        _exposure(page, nodes, sources) for page in sorted(read_pages(pages).values(), key=lambda p: p.name)
    ]
    return HEAD + yaml.safe_dump(
        {"version": 2, "exposures": told}, allow_unicode=True, sort_keys=False, width=110
    )


def _exposure(page: Page, nodes: set[str], sources: set[str]) -> dict[str, Any]:
    tables = [table.split(".") for table in tables_of(page)]
    refs = [f"ref('{name}')" for _, name in tables if name in nodes]
    own = [f"source('{schema}', '{name}')" for schema, name in tables if f"{schema}.{name}" in sources]
    return {
        "name": f"page_{page.name}",
        "label": page.title["en"],
        "type": "dashboard",
        "maturity": "high",
        "description": f"{page.description.get('en', page.title['en'])} (dashboards/pages/{page.name}.md)",
        "owner": {"name": "Ikusei"},
        "depends_on": refs + own,
    }


def _nodes(project: Path) -> set[str]:
    """The names of models and rule tables: the files' own."""
    return {path.stem for kind in ("*.sql", "*.csv", "*.py") for path in (project / "models").rglob(kind)}


def _sources(project: Path) -> set[str]:
    """'schema.table' of every declared source."""
    return {
        f"{source.get('schema', source['name'])}.{table['name']}"
        for path in (project / "models").rglob("*.yml")
        for source in (yaml.safe_load(path.read_text(encoding="utf-8")) or {}).get("sources") or []
        for table in source["tables"]
    }
