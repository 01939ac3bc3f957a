"""The truth of an invented world: from its Parquet files to views that the measures read.

    <world>/truth/*.parquet  ->  truth.people, truth.requests, ... (a catalog of views in memory)

Only this module opens a truth file. A table or column that a world does not hold is empty, and the measures
that need it say n = 0.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from orchestration.trouble import Trouble

# Times are naive UTC. The log line is read for its path alone: it is by far the largest column.
TABLES: dict[str, dict[str, str]] = {
    "people": {
        "person_key": "varchar",
        "email": "varchar",
        "kind": "varchar",
        "company_key": "varchar",
        "company_keys": "varchar[]",
        "department_category": "varchar",
        "trouble": "varchar",
        "troubles": "varchar[]",
    },
    "identifiers": {
        "kind": "varchar",
        "value": "varchar",
        "person_key": "varchar",
        "trouble": "varchar",
        "is_tied": "boolean",
    },
    "requests": {
        "visitor_id": "varchar",
        "occurred_at": "timestamp",
        "client_address": "varchar",
        "person_key": "varchar",
        "is_machine": "boolean",
        "machine_kind": "varchar",
        "trouble": "varchar",
        "line": "varchar",
    },
    "email_events": {
        "sg_event_id": "varchar",
        "person_key": "varchar",
        "actor_key": "varchar",
        "occurred_at": "timestamp",
        "event": "varchar",
        "mid": "varchar",
        "is_machine": "boolean",
        "machine_kind": "varchar",
        "trouble": "varchar",
    },
    "sessions": {
        "visitor_id": "varchar",
        "person_key": "varchar",
        "started_at": "timestamp",
        "ended_at": "timestamp",
        "page_views": "bigint",
        "is_machine": "boolean",
        "machine_kind": "varchar",
    },
    "companies": {"company_key": "varchar", "merged_into": "varchar", "trouble": "varchar"},
    "departments": {"department": "varchar", "department_category": "varchar", "trouble": "varchar"},
    "hazards": {
        "person_key": "varchar",
        "month": "date",
        "hazard_30d": "double",
        "hazard_90d": "double",
    },
    "opportunities": {
        "opportunity_id": "varchar",
        "lead_id": "varchar",
        "person_key": "varchar",
        "created_at": "timestamp",
    },
    "orders": {
        "person_key": "varchar",
        "ordered_at": "timestamp",
        "amount_jpy": "bigint",
        "margin_jpy": "bigint",
    },
    "deeds": {"person_key": "varchar", "kind": "varchar", "happened_at": "timestamp"},
    "activities": {
        "lead_id": "varchar",
        "kind": "varchar",
        "outcome": "varchar",
        "happened_at": "timestamp",
    },
    "costs": {"campaign_id": "varchar", "cost_on": "date", "amount_jpy": "bigint"},
    "budgets": {"campaign_id": "varchar", "month": "date", "amount_jpy": "bigint"},
    "tiers": {
        "person_key": "varchar",
        "tier": "varchar",
        "valid_from": "timestamp",
        "valid_to": "timestamp",
    },
    "kpis": {"month": "date", "kpi": "varchar", "value": "double"},
    "routes": {
        "person_key": "varchar",
        "right_owner": "varchar",
        "due_at": "timestamp",
        "reason": "varchar",
    },
    "waits": {
        "person_key": "varchar",
        "handed_at": "timestamp",
        "first_contact_at": "timestamp",
        "trouble": "varchar",
    },
    "consents": {
        "person_key": "varchar",
        "email": "varchar",
        "channel": "varchar",
        "status": "varchar",
        "valid_from": "timestamp",
        "valid_to": "timestamp",
    },
}


def attach(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Show the Parquet files of `folder` as views truth.<table>, each with the columns of TABLES.

    Raises:
        Trouble: the folder holds no truth.
    """
    if not any(folder.glob("*.parquet")):
        raise Trouble(f"{folder} holds no truth of a world: make one with `ikusei world make --out DIR`")
    connection.execute("attach ':memory:' as truth")
    for table, columns in TABLES.items():
        connection.execute(f"create view truth.{table} as {_select(connection, folder, table, columns)}")


def last_day(folder: Path) -> str:
    """The last day 'YYYY-MM-DD' of a world's story: the day that its marts are scored as of."""
    return str(notes(folder)["arguments"]["until"])


def notes(folder: Path) -> dict[str, Any]:
    """What a world says of its making: arguments and settings.

    Raises:
        Trouble: there is no world.json.
    """
    for path in (folder / "world.json", folder.parent / "world.json"):
        if path.exists():
            return json.loads(path.read_text(encoding="utf-8"))
    raise Trouble(f"{folder} has no world.json: make the world anew with `ikusei world make --out DIR`")


def _select(connection: duckdb.DuckDBPyConnection, folder: Path, table: str, columns: dict[str, str]) -> str:
    path = folder / f"{table}.parquet"
    if not path.exists():
        nothing = ", ".join(f"cast(null as {kind}) as {name}" for name, kind in columns.items())
        return f"select {nothing} where false"
    source = f"read_parquet('{str(path).replace(chr(39), chr(39) * 2)}')"
    there = {row[0] for row in connection.execute(f"describe select * from {source}").fetchall()}
    chosen = (
        f"cast({name if name in there else 'null'} as {kind}) as {name}" for name, kind in columns.items()
    )
    return f"select {', '.join(chosen)} from {source}"
