"""A small warehouse for the tests of sending: named leads -> activation tables and sync files."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import yaml
from activation_receiver import SECRET

from orchestration.activation import SyncRun, apply

SYNCS = Path(__file__).resolve().parents[1] / "dbt_project" / "models" / "7_activation" / "syncs"

COLUMNS = {
    **dict.fromkeys(["sync_key", "person_id", "email", "display_name", "company_name"], "varchar"),
    **dict.fromkeys(["department", "position", "phone", "grade"], "varchar"),
    "total_score": "decimal(18, 6)",
    **dict.fromkeys(["tier", "state", "owner_unit_id", "informed_unit_ids", "route_rule_id"], "varchar"),
    "routed_at": "timestamp",
    **dict.fromkeys(["top_product", "approach_note"], "varchar"),
    "may_act_from": "timestamp",
    **dict.fromkeys(["party_name", "account_name", "headline", "attention"], "varchar"),
    "consent_status": "varchar",
    "is_suppressed": "boolean",
}

SYSTEMS = ("bottlecrm", "files", "hubspot", "kintone", "salesforce", "sheets", "slack", "tryton", "webhook")
KINDS = {"is_suppressed": pa.bool_()}


class FastClock:
    """A clock that sleeps at once and remembers for how long."""

    def __init__(self, start: float) -> None:
        self.time, self.slept = start, []

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.time += seconds


def lead(key: str, **values: Any) -> dict[str, Any]:
    """One row of a sync model."""
    usual = {
        "sync_key": key,
        "person_id": f"p-{key}",
        "email": f"{key}@example.com",
        "display_name": "山田太郎",
        "company_name": "株式会社例",
        "phone": "+81312345678",
        "grade": "B2",
        "total_score": "12.500000",
        "owner_unit_id": "area-kanto",
        "routed_at": "2026-05-01 01:02:03",
        "party_name": "山田太郎",
        "account_name": "株式会社例",
        "headline": "B2 | 株式会社例 | -",
        "consent_status": "granted",
        "is_suppressed": False,
    }
    return {**dict.fromkeys(COLUMNS), **usual, **values}


@dataclass
class Company:
    """A folder with a warehouse, sync files, a ledger and an output folder."""

    root: Path
    secrets: dict[str, str] = field(default_factory=dict)
    clock: FastClock | None = None

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def ledger(self) -> Path:
        return self.root / "activation" / "ledger.sqlite"

    @property
    def syncs(self) -> Path:
        return self.root / "syncs"

    @property
    def out_dir(self) -> Path:
        return self.root / "out"

    @property
    def csv(self) -> Path:
        return self.out_dir / "routed_leads" / "routed_leads.csv"

    def receive_at(self, url: str) -> None:
        """Sets address and secret of the webhook."""
        self.secrets.update(IKUSEI_WEBHOOK_URL=url, IKUSEI_WEBHOOK_SECRET=SECRET)

    def use_syncs(self, **changes: Any) -> None:
        """Copies the product's sync files; changes such as `webhook={"mode": "mirror"}` are merged in."""
        self.syncs.mkdir(exist_ok=True)
        for path in SYNCS.glob("*.yml"):
            said = yaml.safe_load(path.read_text(encoding="utf-8"))
            for name, value in changes.get(said["destination"], {}).items():
                said[name] = {**said.get(name, {}), **value} if isinstance(value, dict) else value
            (self.syncs / path.name).write_text(
                yaml.safe_dump(said, allow_unicode=True, sort_keys=False), encoding="utf-8"
            )

    def have(
        self,
        leads: list[dict[str, Any]],
        *,
        denied: list[str] = (),
        merged: dict[str, str] | None = None,
    ) -> None:
        """Rewrites the sync models, the current consents (channel email) and former id -> present id."""
        said = pa.table(
            {name: pa.array([row[name] for row in leads], KINDS.get(name, pa.string())) for name in COLUMNS}
        )
        typed = ", ".join(f"cast({name} as {kind}) as {name}" for name, kind in COLUMNS.items())
        with duckdb.connect(str(self.warehouse)) as database:
            database.execute("create schema if not exists activation; create schema if not exists lifecycle")
            database.register("said", said)
            for system in SYSTEMS:
                name = f"sync_{system}__routed_leads"
                database.execute(f"create or replace table activation.{name} as select {typed} from said")
            database.execute(
                "create or replace table lifecycle.lead_consents "
                "(person_id varchar, channel varchar, status varchar)"
            )
            database.execute("create schema if not exists identity")
            database.execute(
                "create or replace table identity.person_id_changes "
                "(former_person_id varchar, current_person_id varchar)"
            )
            for change in (merged or {}).items():
                database.execute("insert into identity.person_id_changes values (?, ?)", list(change))
            for person_id in denied:
                database.execute(
                    "insert into lifecycle.lead_consents values (?, 'email', 'denied')", [person_id]
                )

    def apply(self, only: str | None = None, **how: Any) -> dict[str, SyncRun]:
        """Applies and returns the runs by sync name."""
        runs = apply(
            self.warehouse,
            self.ledger,
            self.syncs,
            only=only,
            out_dir=self.out_dir,
            secrets=self.secrets,
            clock=self.clock,
            seed=7,
            **how,
        )
        return {run.sync: run for run in runs}

    def send(self, **how: Any) -> SyncRun:
        """Applies the webhook alone."""
        return self.apply("webhook_routed_leads", **how)["webhook_routed_leads"]
