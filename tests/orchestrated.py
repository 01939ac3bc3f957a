"""A small invented company, taken the whole way once, for every test of the orchestration."""

from __future__ import annotations

import tempfile
from datetime import date
from functools import cache
from pathlib import Path

import duckdb

from ingestion.world import make
from orchestration import transform
from orchestration.home import Home, Settings
from orchestration.publish import public_relations
from orchestration.run import RunReport, run

AS_OF = "2026-10-31"
_kept = tempfile.TemporaryDirectory(prefix="ikusei-tests-")


@cache
def invented() -> Path:
    """The landing folder of a company of 30 people and 45 days."""
    world = Path(_kept.name) / "world"
    make(world, people=30, days=45, seed=11, until=date.fromisoformat(AS_OF))
    return world / "landing"


@cache
def first_run() -> tuple[Home, RunReport]:
    """A home after `ikusei run`, and what that run reported."""
    home = Home(Path(_kept.name) / "home")
    return home, run(home, Settings(), landing=invented(), as_of=AS_OF, say=lambda line: None)


def marts(warehouse: Path, home: Home) -> dict[str, tuple[int, int]]:
    """Relation -> (rows, a sum of row hashes that no order of rows changes), for every public relation."""
    manifest = transform.manifest(home.warehouse, home.dbt_target)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return {
            relation: connection.execute(
                f"select count(*), sum(cast(hash(mart) as hugeint)) from {relation} as mart"
            ).fetchone()
            for relation in public_relations(manifest)
        }
