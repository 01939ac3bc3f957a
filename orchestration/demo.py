"""Demo: from nothing to pages: an invented company, one run over it, and three things to try."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import duckdb

from orchestration import state
from orchestration.home import Home, Settings
from orchestration.run import Progress, run
from orchestration.trouble import Trouble

HEROINE = "佐藤美咲"  # every invented world holds her: seminar, mails, card and form, one person
HOST = "127.0.0.1"


@dataclass(frozen=True)
class World:
    """What the invented company is made from; the same values give the same files, byte for byte."""

    people: int = 2000
    days: int = 400
    seed: int = 7
    until: str = "2026-10-31"


def prepare(home: Home, settings: Settings, world: World, *, say: Callable[[str], None] = print) -> None:
    """Invent the company (unless this home holds that very one) and run the whole way as of its last day."""
    progress = Progress(say)
    with progress.stage("world") as figures:
        figures.append(_invent(home, world, progress))
    run(home, settings, as_of=world.until, say=say)


def try_this(home: Home, address: str) -> list[str]:
    """Three things to try, as lines for a person."""
    command = f"IKUSEI_HOME={os.path.relpath(home.root)} .venv/bin/ikusei"
    person_id = find_heroine(home)
    page = f"{address}/lead?person_id={person_id}&lang=ja" if person_id else f"{address}/leads?lang=ja"
    return [
        f"the pages are at {address}",
        "three things to try:",
        f"  1. open {page} - 佐藤 美咲 (Sato Misaki): her timeline, points, rules, owner",
        f"  2. {command} explain score {person_id or 'PERSON'} - each point with its file and line",
        "  3. mkdir my_rules && cp dbt_project/models/4_scoring/scoring_rules.csv my_rules\n"
        f"     change a number there, then {command} what-if --rules my_rules - who would cross a threshold",
    ]


def find_heroine(home: Home) -> str | None:
    """The person_id of Sato Misaki by her name, as a person would find her on the leads page."""
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        found = connection.execute(
            "select person_id from reporting.rpt_leads where replace(display_name, ' ', '') = ? "
            "order by total_score desc nulls last, person_id",
            [HEROINE],
        ).fetchone()
    return found[0] if found else None


def free_port(first: int, host: str = HOST) -> int:
    """The first port from `first` on that nobody listens on."""
    for port in range(first, first + 100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind((host, port))
            except OSError:
                continue
            return port
    raise OSError(f"no free port from {first} to {first + 99}")


def _invent(home: Home, world: World, progress: Progress) -> str:
    """Make the world in a folder of its own and move its landing files in when it is whole."""
    from ingestion.world import make

    note, landing = home.root / "world.json", home.root / "world"
    if note.exists() and note.read_text() == _as_text(world):
        return f"{world.people:,} people over {world.days} days, as invented before"
    _clear(home, note)
    make(
        landing,
        people=world.people,
        days=world.days,
        seed=world.seed,
        until=date.fromisoformat(world.until),
        on_progress=progress.inner,
    )
    home.landing.rmdir()
    (landing / "landing").rename(home.landing)
    state.write_json(note, asdict(world))
    return f"{world.people:,} people over {world.days} days, invented by seed {world.seed}"


def _clear(home: Home, note: Path) -> None:
    """Begin afresh, but only in a home that an earlier demo made."""
    if home.root.exists() and any(home.root.iterdir()) and not note.exists():
        raise Trouble(f"{home.root} holds data of your own: set IKUSEI_HOME to an empty folder for the demo")
    shutil.rmtree(home.root, ignore_errors=True)
    state.write_json(home.prepare().root / note.name, None)


def _as_text(world: World) -> str:
    return json.dumps(asdict(world), indent=1, sort_keys=True)


def default_home(repository: Path) -> Home:
    """The demo's own home, so that it never touches real data: data/demo, or what IKUSEI_HOME says."""
    return Home.from_environment() if os.environ.get("IKUSEI_HOME") else Home(repository / "data" / "demo")
