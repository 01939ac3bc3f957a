"""Small invented worlds with some troubles on, taken through the pipeline and compared with their truth.

The marts are built without their data tests and unpublished, so that a world costs seconds; the one world of
`whole_score` goes the whole way as a user's command does.
"""

from __future__ import annotations

import tempfile
from datetime import date
from functools import cache
from pathlib import Path

import yaml
from typer.testing import CliRunner

from ingestion.world import make, read_settings
from orchestration import activate, ingest, transform
from orchestration.cli import app
from orchestration.errors import Figure, judge
from orchestration.errors.score import rows_planned
from orchestration.home import ALL_KNOWN, DEFAULT_ZONE, Home

AS_OF = "2026-10-31"
PEOPLE, DAYS, SEED = 60, 45, 5
Key = tuple[str, str, str | None]
_kept = tempfile.TemporaryDirectory(prefix="ikusei-scored-")


def key_of(figure: Figure) -> Key:
    return figure.area, figure.measure, figure.trouble


def inexact(figures: dict[Key, Figure]) -> dict[Key, Figure]:
    """Readings of traces that are wrong somewhere; guesses about the future are no readings."""
    return {key: figure for key, figure in figures.items() if figure.error and not figure.is_forecast}


@cache
def whole_score() -> tuple[Path, str]:
    """`ikusei world score` on a world without troubles: its folder, and what the command said."""
    settings, out = Path(_kept.name) / "off.yml", Path(_kept.name) / "off"
    settings.write_text(yaml.safe_dump({"troubles": "off"}))
    size = ["--people", str(PEOPLE), "--days", str(DAYS), "--seed", str(SEED), "--until", AS_OF]
    words = ["world", "score", *size, "--settings", str(settings), "--out", str(out)]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0, told.output
    return out, told.output


@cache
def scored(**rates: float) -> dict[Key, Figure]:
    """The figures of a world in which only these troubles happen, at these rates."""
    folder = Path(_kept.name) / "-".join(rates)
    troubles = dict.fromkeys(read_settings()["troubles"], 0) | rates
    make(
        folder,
        people=PEOPLE,
        days=DAYS,
        seed=SEED,
        until=date.fromisoformat(AS_OF),
        settings={"troubles": troubles},
    )
    home = Home(folder / "home").prepare()
    ingest.ingest(home, landing=folder / "landing", zone=DEFAULT_ZONE)
    transform.build(
        home.warehouse,
        Path(_kept.name) / "dbt_target",  # one parsed project for all worlds
        as_of=AS_OF,
        known_at=ALL_KNOWN,
        zone=DEFAULT_ZONE,
        full_refresh=True,
        select=["resource_type:seed", "resource_type:model"],
        with_tests=False,
    )
    planned = rows_planned(activate.plan(home, as_of=AS_OF))
    figures = judge(home.warehouse, folder / "truth", as_of=AS_OF, planned=planned)
    return {key_of(figure): figure for figure in figures}
