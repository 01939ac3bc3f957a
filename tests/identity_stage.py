"""The identity stage alone, for laws that want many runs: the project's models on sightings a test makes up.

A dbt project is made of the files between sightings and people as they stand in `2_identity`; what they refer
to beyond is a table. So a run costs a second, and imports and decisions can be dealt in any order.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Sequence
from dataclasses import astuple, dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import yaml
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli.main import dbtRunner

PROJECT = Path(__file__).parents[1] / "dbt_project"
MODELS = (
    *("int_email_owners", "record_identifiers", "int_identifiers_sighted", "int_identifiers_first_seen"),
    *("int_identity_claims", "int_claims_judged", "int_identity_edges", "int_identifier_components"),
    *("int_identifiers_kept_apart", "person_identifiers", "identity_links", "identity_refusals"),
    *("int_identifier_assignments", "person_id_changes"),
)
SEEDS = ("identity_rules", "identity_exclusions", "free_mail_domains")
GIVEN = {
    "int_sightings": "select * from main.sightings",
    "stg_links__decisions": (
        "select link_id, left_identifier, right_identifier, decision, reason, decided_by from ("
        " select *, row_number() over (partition by link_id order by decided_at desc, decision) as recency"
        " from main.decisions) as ranked where recency = 1"
    ),
    "dim_people": "select distinct person_id from {{ ref('person_identifiers') }}",
    "int_matched_claims": "select * from {{ ref('int_identity_claims') }} where 1 = 0",
}
STATE = {
    "person_identifiers": "*",
    "identity_links": "*",
    "identity_refusals": "*",
    "int_identifier_components": "node, component",
    "int_identifiers_kept_apart": "*",
}
"""What must depend on the final set of records and decisions only."""

BEGINNING = datetime(2025, 1, 1)


@dataclass(frozen=True)
class Sighting:
    """A record in which somebody can be recognised; the names are those of int_sightings."""

    row_key: str
    seen_at: datetime
    email: str | None = None
    crm_lead: str | None = None
    mail_token: str | None = None
    person_name: str | None = None
    phone: str | None = None
    company_key: str | None = None
    source: str = "forms"
    member_id: str | None = None
    social_account: str | None = None
    department: str | None = None


@dataclass(frozen=True)
class Decision:
    """What somebody said of a link, and when."""

    link_id: str
    decision: str
    decided_at: datetime
    left_identifier: str | None = None
    right_identifier: str | None = None
    reason: str = "two people"
    decided_by: str = "mori"


class Stage:
    """A warehouse with the identity stage and nothing else."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.warehouse = folder / "identity.duckdb"
        _write_project(folder)
        self.manifest = dbtRunner().invoke(["parse", *self._places()]).result
        self._dbt("seed")

    def holds(self, sightings: Sequence[Sighting], decisions: Sequence[Decision] = ()) -> None:
        """Makes these the records and decisions known by now."""
        with duckdb.connect(str(self.warehouse)) as connection:
            for kind, name, rows in ((Sighting, "sightings", sightings), (Decision, "decisions", decisions)):
                columns = [field.name for field in fields(kind)]
                typed = [f"{name} {'timestamp' if name.endswith('_at') else 'text'}" for name in columns]
                connection.execute(f"create or replace table main.{name} ({', '.join(typed)})")
                if rows:
                    marks = ", ".join("?" * len(columns))
                    connection.executemany(
                        f"insert into main.{name} values ({marks})", [astuple(row) for row in rows]
                    )

    def built(self, *, full_refresh: bool = False) -> dict[str, list[tuple]]:
        """Rows of the state after a run."""
        self._dbt("run", *(["--full-refresh"] if full_refresh else []))
        return {
            name: self.rows(f"select {columns} from {name} order by all") for name, columns in STATE.items()
        }

    def forgets_its_runs(self) -> None:
        """As if no run had been: the ledger of who was called what is empty."""
        with duckdb.connect(str(self.warehouse)) as connection:
            connection.execute("drop table if exists int_identifier_assignments")

    def rows(self, sql: str, *values: object) -> list[tuple]:
        with duckdb.connect(str(self.warehouse), read_only=True) as connection:
            return connection.execute(sql, list(values)).fetchall()

    def people(self) -> dict[str, str]:
        """Identifier to person."""
        return dict(self.rows("select identifier, person_id from person_identifiers"))

    def _dbt(self, *words: str) -> None:
        outcome = dbtRunner(manifest=self.manifest).invoke([*words, *self._places()])
        DuckDBConnectionManager.close_all_connections()
        wrong = [f"{r.node.name}: {r.message}" for r in outcome.result if r.status == "error"]
        assert outcome.success, wrong or outcome.exception

    def _places(self) -> list[str]:
        return [
            "--project-dir",
            str(self.folder),
            "--profiles-dir",
            str(self.folder),
            "--quiet",
            "--no-write-json",
        ]


def invented(seed: int, records: int = 150) -> list[Sighting]:
    """Records of some thirty people who have several addresses, phones and jobs, share names and mistype."""
    chance = random.Random(seed)
    names = [f"{family}{given}" for family in "佐鈴高田伊" for given in ("一郎", "二郎", "花子")]
    people = [(chance.choice(names), number) for number in range(30)]
    return [_record(chance, people, number) for number in range(records)]


def _record(chance: random.Random, people: list[tuple[str, int]], number: int) -> Sighting:
    name, person = chance.choice(people)
    other = chance.choice(people)[1] if chance.random() < 0.05 else person
    has = lambda rate: chance.random() < rate  # noqa: E731
    return Sighting(
        row_key=f"r{number:04}",
        seen_at=BEGINNING + timedelta(hours=chance.randrange(8_000)),
        email=f"m{other}{chance.choice('ab')}@c{person % 9}.example" if has(0.8) else None,
        crm_lead=f"L{person}{chance.choice('xy')}" if has(0.3) else None,
        mail_token=f"t{person}{chance.randrange(4)}" if has(0.3) else None,
        person_name=name if has(0.8) else None,
        phone=f"+813{person:04}" if has(0.6) else None,
        company_key=f"C{person % 9}" if has(0.6) else None,
        source=chance.choice(["forms", "lists", "crm"]),
    )


def _write_project(folder: Path) -> None:
    (folder / "models").mkdir(parents=True)
    stage = PROJECT / "models" / "2_identity"
    for name in MODELS:
        shutil.copy(stage / f"{name}.sql", folder / "models")
    for name, sql in GIVEN.items():
        (folder / "models" / f"{name}.sql").write_text(sql, encoding="utf-8")
    for name in SEEDS:
        shutil.copy(stage / f"{name}.csv", folder / "models")
    (folder / "models" / "stage.yml").write_text(yaml.safe_dump(_tested(stage / "_2_identity.yml")))
    settings = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    project = {
        "name": "identity_alone",
        "version": "1.0",
        "profile": "identity_alone",
        "macro-paths": [str(PROJECT / "macros")],
        "seed-paths": ["models"],
        "flags": settings["flags"],
        "vars": settings["vars"] | {"as_of": "2026-10-31"},
        "models": {"+materialized": "table"},
    }
    (folder / "dbt_project.yml").write_text(yaml.safe_dump(project))
    target = {"type": "duckdb", "path": str(folder / "identity.duckdb"), "schema": "main", "threads": 1}
    profile = {"identity_alone": {"target": "duckdb", "outputs": {"duckdb": target}}}
    (folder / "profiles.yml").write_text(yaml.safe_dump(profile))


def _tested(properties: Path) -> dict[str, Any]:
    """The stage's own column types of rules; its data tests run in the tests of the whole pipeline."""
    said = yaml.safe_load(properties.read_text(encoding="utf-8"))
    seeds = [{"name": s["name"], "config": s.get("config", {})} for s in said["seeds"] if s["name"] in SEEDS]
    return {"version": 2, "seeds": seeds}
