"""What was sent is held to its laws in the warehouse: a sound ledger passes, each broken law is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import duckdb
import pytest
from orchestrated import AS_OF, first_run

from orchestration import activate, transform
from orchestration.activation import publish_ledger, published_tables
from orchestration.home import ALL_KNOWN, DEFAULT_ZONE, Home
from orchestration.trouble import Trouble

LAWS = [
    "source:activation",
    "nothing_was_sent_after_an_opt_out",
    "no_send_stays_in_doubt_for_more_than_a_day",
    "what_the_ledger_counts_adds_up",
]


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home that wrote its files once and was audited."""
    home = Home(tmp_path_factory.mktemp("laws") / "home")
    shutil.copytree(first_run()[0].root, home.root, symlinks=True)
    runs = {run.sync: run for run in activate.apply(home)}
    assert runs["files_routed_leads"].acked, "without a row sent no law is tried"
    assert activate.has_no_drift(activate.audit(home))
    publish_ledger(home.ledger, home.warehouse)
    return home


def held(home: Home, warehouse: Path, select: list[str] = LAWS) -> transform.BuildReport:
    return transform.build(
        warehouse,
        home.dbt_target,
        as_of=AS_OF,
        known_at=ALL_KNOWN,
        zone=DEFAULT_ZONE,
        full_refresh=False,
        select=select,
    )


def broken(home: Home, folder: Path, statement: str) -> Path:
    """A copy of the warehouse in which one thing was done to the ledger's tables."""
    copy = folder / home.warehouse.name
    shutil.copyfile(home.warehouse, copy)
    with duckdb.connect(str(copy)) as database:
        database.execute(statement)
    return copy


def test_a_sound_ledger_passes_every_law(sent: Home) -> None:
    report = held(sent, sent.warehouse)
    assert report.count("test") >= 12 and not report.warnings
    with duckdb.connect(str(sent.warehouse), read_only=True) as database:
        (believed,) = database.execute(
            "select believed from activation.audits where sync = 'files_routed_leads'"
        ).fetchone()
    assert believed == activate.apply(sent, only="files_routed_leads")[0].unchanged


@pytest.mark.parametrize(
    ("law", "statement"),
    [
        (LAWS[3], "delete from activation.runs"),
        (LAWS[3], "update activation.rows set acked_hash = null"),
        (LAWS[3], "update activation.audits set ghosts = ghosts + 1"),
        (LAWS[0], "insert into activation.rows select * from activation.rows limit 1"),
    ],
)
def test_a_ledger_that_does_not_add_up_stops_the_build(
    sent: Home, tmp_path: Path, law: str, statement: str
) -> None:
    with pytest.raises(Trouble, match=r"the test .* failed"):
        held(sent, broken(sent, tmp_path, statement), [law])


OPT_OUT = """
update lifecycle.lead_consents set status = 'denied', consent_event_id = 'no'
where person_id = (select min(person_id) from activation.rows) and channel = 'email';
insert into lifecycle.lead_consents (person_id, channel, status, consent_event_id)
select min(person_id), 'email', 'denied', 'no' from activation.rows
having min(person_id) not in (select person_id from lifecycle.lead_consents where channel = 'email');
insert into lifecycle.fct_consents (consent_event_id, row_key)
select 'no', min(row_key) from raw_email.events;
update raw_email.events set loaded_at = (select min(started_at) from activation.attempts) - interval {ago};
"""


@pytest.mark.parametrize(("ago", "warnings"), [("2 hours", 1), ("10 minutes", 0)])
def test_what_left_long_after_a_known_refusal_is_told(
    sent: Home, tmp_path: Path, ago: str, warnings: int
) -> None:
    warehouse = broken(sent, tmp_path, OPT_OUT.format(ago=f"'{ago}'"))
    assert len(held(sent, warehouse, [LAWS[1]]).warnings) == warnings


@pytest.mark.parametrize(("day", "warnings"), [("2026-10-29", 1), ("2026-10-31", 0)])
def test_a_doubt_that_nobody_settled_is_told(sent: Home, tmp_path: Path, day: str, warnings: int) -> None:
    doubt = f"update activation.rows set state = 'unknown', updated_at = '{day} 08:00:00'"
    assert len(held(sent, broken(sent, tmp_path, doubt), [LAWS[2]]).warnings) == warnings


def test_before_anything_was_sent_the_tables_are_there_and_empty(tmp_path: Path) -> None:
    home, _ = first_run()
    names = published_tables(tmp_path / "none.sqlite")
    with duckdb.connect(str(home.warehouse), read_only=True) as database:
        for name in names:
            assert database.execute(f"select count(*) from activation.{name}").fetchone() == (0,)
