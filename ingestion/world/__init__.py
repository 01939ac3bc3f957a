"""An invented company whose every trace has a known truth: settings and seed in, files and truth out.

    world.yml -> calendar, campaigns, companies, people
              -> behaviour, mail, sales, desks, machines   write the diary (spill: what memory cannot hold)
              -> files (out/landing), traces, figures, truth (out/truth)

Nothing of the product is imported here and no rule is shared with it, so that the product can be judged by
this world. Same seed and settings, same bytes. Alone: `python -m ingestion.world make --out DIR`.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from . import behaviour, desks, heroine, machines, mail, sales
from .behaviour import World
from .campaigns import plan_campaigns
from .clock import Calendar
from .companies import invent_companies
from .diary import Diary
from .files import write_files
from .landing import Written
from .people import Person, invent_people
from .truth import write_truth

__all__ = ["UNTIL", "WorldSummary", "make", "read_settings"]

UNTIL = date(2026, 10, 31)


@dataclass(frozen=True)
class WorldSummary:
    """What was made: counts, and where it lies."""

    out: Path
    first_day: date
    last_day: date
    people: int
    companies: int
    visitors: int  # distinct cookies
    requests: int
    form_passes: int
    mail_events: int
    list_rows: int
    leads: int
    opportunities: int
    orders: int
    files: int

    def __str__(self) -> str:
        return (
            f"{self.first_day} to {self.last_day}: {self.people} people at {self.companies} companies, "
            f"{self.visitors} visitor cookies, {self.requests} requests, {self.form_passes} form passes, "
            f"{self.mail_events} mail events, {self.list_rows} list rows, {self.leads} leads, "
            f"{self.opportunities} opportunities, {self.orders} orders in {self.files} files."
        )


def make(
    out: Path,
    *,
    people: int = 2000,
    days: int = 400,
    seed: int = 7,
    until: date | None = None,
    settings: Mapping[str, Any] | Path | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> WorldSummary:
    """Invent a world and write `out/landing` and `out/truth`, replacing those of an earlier one.

    Args:
        people: named people (1 or more). days: length, `until` (default 2026-10-31) included.
        settings: overrides of `world.yml`, as a mapping of the same shape or the path of a YAML file.
    Raises:
        ValueError: a setting that `world.yml` does not know, or a number that makes no world.
    """
    tell = on_progress or (lambda sentence: None)
    if people < 1:
        raise ValueError(f"A world needs at least 1 person, not {people}: set --people to 1 or more.")
    until = until or UNTIL
    chosen, calendar = read_settings(settings), Calendar(until, days)
    _clear(out)
    with TemporaryDirectory(prefix="half-made-", dir=out) as folder:
        world = _cast(people, calendar, seed, chosen, Path(folder))
        tell(f"{len(world.people)} people at {len(world.companies)} companies")
        _happen(world, tell)
        (out / "truth").mkdir()
        written = write_files(world, out / "landing", out / "truth")
    tell(f"{len(written.lines)} files")
    arguments = {"people": people, "days": days, "seed": seed, "until": until.isoformat()}
    write_truth(world, written, out / "truth", arguments)
    return _summary(out, world, written)


def read_settings(override: Mapping[str, Any] | Path | None = None) -> dict[str, Any]:
    """The settings of `world.yml` with some of them replaced.

    Raises:
        ValueError: naming the setting that `world.yml` does not have.
    """
    standard = yaml.safe_load(Path(__file__).with_name("world.yml").read_text(encoding="utf-8"))
    if isinstance(override, Path):
        override = yaml.safe_load(override.read_text(encoding="utf-8")) or {}
    return _laid_over(standard, _spelled_out(override or {}, standard), "")


def _spelled_out(override: Mapping[str, Any], standard: dict[str, Any]) -> dict[str, Any]:
    """`troubles: off` (YAML reads it as false) and `growth: article` in full."""
    full = dict(override)
    if full.get("troubles") in ("off", False):
        full["troubles"] = dict.fromkeys(standard["troubles"], 0)
    if full.get("growth") == "article":
        full["growth"] = standard["growth_of_the_article"]
    return full


def _laid_over(standard: dict[str, Any], override: Mapping[str, Any], place: str) -> dict[str, Any]:
    if not isinstance(override, Mapping):
        raise ValueError(f"The setting {place.rstrip('.')} wants names with values, not {override!r}.")
    unknown = sorted(set(override) - set(standard))
    if unknown:
        raise ValueError(f"The world has no setting {place}{unknown[0]}: world.yml lists those that exist.")
    return {
        name: _laid_over(value, override[name], f"{place}{name}.")
        if isinstance(value, dict) and name in override
        else override.get(name, value)
        for name, value in standard.items()
    }


def _cast(how_many: int, calendar: Calendar, seed: int, settings: dict[str, Any], folder: Path) -> World:
    campaigns = plan_campaigns(seed, calendar, settings)
    firms = max(3, round(how_many * settings["population"]["companies_per_person"]))
    companies = invent_companies(seed, firms, calendar, settings["troubles"])
    people = invent_people(seed, how_many, companies, calendar, campaigns, settings)
    world = World(seed, settings, calendar, campaigns, companies, people, Diary(calendar, folder))
    heroine.cast(world)
    world.colleagues = _colleagues(world.people)
    return world


def _colleagues(people: list[Person]) -> dict[str, list[Person]]:
    """Who may get a forwarded mail or have an address typed by another; the heroine is left alone."""
    firms: dict[str, list[Person]] = {}
    for person in people:
        company = person.employments[0].company
        stays = len(person.employments) == 1 and person.kind in {"prospect", "customer"}
        if company is not None and stays and not person.is_heroine:
            firms.setdefault(company.key, []).append(person)
    return firms


def _happen(world: World, tell: Callable[[str], None]) -> None:
    """Cards before visits, visits before mails, mails before sales: each needs what the one before left."""
    sales.exchange_cards(world)
    behaviour.live(world)
    heroine.live_heroine(world)
    mail.send_mails(world)
    tell(f"{world.diary.mail_events_noted} mail events")
    sales.work(world)
    desks.note(world)
    behaviour.wander(world)
    machines.run_machines(world)
    tell(f"{world.diary.requests_noted} requests")


def _clear(out: Path) -> None:
    """Remove an earlier world, and only that: a landing folder without a world's truth is somebody's data."""
    landing, truth = out / "landing", out / "truth"
    if landing.exists() and any(landing.iterdir()) and not (truth / "world.json").exists():
        raise ValueError(f"{landing} holds files that no world wrote: choose another --out or empty it.")
    for folder in (landing, truth):
        if folder.exists():
            shutil.rmtree(folder)
    out.mkdir(parents=True, exist_ok=True)


def _summary(out: Path, world: World, written: Written) -> WorldSummary:
    return WorldSummary(
        out=out,
        first_day=world.calendar.first,
        last_day=world.calendar.last,
        people=len(world.people),
        companies=len(world.companies),
        visitors=written.cookies,
        requests=written.requests,
        form_passes=len(world.diary.submissions),
        mail_events=world.diary.mail_events_noted,
        list_rows=len(world.diary.cards),
        leads=len({row["lead_id"] for _, row in world.diary.sales.get("leads", [])}),
        opportunities=len(world.diary.opportunities),
        orders=len(world.diary.sales.get("orders", [])),
        files=len(written.lines),
    )
