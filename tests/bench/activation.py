"""Figures of sending: changed leads to a real Tryton in bulk, with the ledger and without one.

Wall seconds say what a person waits for, processor seconds (of sender, Tryton and PostgreSQL together) what
it costs when other work is on the machine.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from statistics import median

from figure import Figure

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from activation_crm import SYNC, UNITS
from activation_warehouse import Company, lead

from orchestration.activation.local_tryton import LocalTryton, missing_programs, running_tryton

ROWS_PER_CALL = 200


def measure(size: str) -> list[Figure]:
    """Seconds of changed leads by the engine over those of a bare bulk writer; nothing without PostgreSQL."""
    if missing_programs():
        return []
    rows = 10_000 if size == "full" else 1_000
    with tempfile.TemporaryDirectory(prefix="ikusei-bench-") as folder, running_tryton(UNITS) as crm:
        company = Company(Path(folder), crm.secrets())
        none = dict.fromkeys(("most_creates", "shrink_pct", "growth_pct"))
        company.use_syncs(tryton={"guards": none, "options": {"rows_per_call": ROWS_PER_CALL}})
        created = _sent(company, rows, "first")
        turns = []
        for number in range(3):  # in turns, since other work on the machine moves the clock
            bare = _cost(crm, lambda number=number: _bare(crm, rows, f"bare {number}"))
            _changed(company, rows, f"engine {number}")
            ours = _cost(crm, lambda: _applied(company, rows))
            turns.append((ours, bare))
    wall = [ours[0] / bare[0] for ours, bare in turns]
    processor = [ours[1] / bare[1] for ours, bare in turns]
    return [
        Figure("creates", rows / created, "rows/s", why=f"{rows:,} leads with party, contacts and address"),
        Figure(
            "updates by the engine",
            rows / median(ours[0] for ours, _ in turns),
            "rows/s",
            why="ledger, intents, compare-and-set, read back",
        ),
        Figure(
            "updates by a bare writer",
            rows / median(bare[0] for _, bare in turns),
            "rows/s",
            why="ids by key, then write, no ledger",
        ),
        Figure("engine over bare, seconds", median(wall), at_most=1.5, why="median of three turns"),
        Figure("engine over bare, processor", median(processor), at_most=1.5, why="sender and servers"),
    ]


def _cost(crm: LocalTryton, act: Callable[[], float]) -> tuple[float, float]:
    """Wall seconds that the act says, and processor seconds of this process, Tryton and its PostgreSQL."""
    before = _processor_seconds(crm)
    wall = act()
    return wall, _processor_seconds(crm) - before


def _processor_seconds(crm: LocalTryton) -> float:
    """Of this process, of Tryton's and of every process of its PostgreSQL (man 5 proc, fields 4, 14, 15)."""
    postmaster = (crm.folder / "cluster" / "postmaster.pid").read_text().split()[0]
    mine = os.times()
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it ended meanwhile
            fields = stat.read_text().rpartition(")")[2].split()
            if stat.parent.name in (postmaster, str(crm.server.pid)) or fields[1] == postmaster:
                ticks += int(fields[11]) + int(fields[12])
    return mine.user + mine.system + ticks / os.sysconf("SC_CLK_TCK")


def _sent(company: Company, rows: int, said: str) -> float:
    """Seconds of one apply in which every lead has changed."""
    _changed(company, rows, said)
    return _applied(company, rows)


def _changed(company: Company, rows: int, said: str) -> None:
    """The model as a build would have left it: that is no part of sending."""
    company.have([lead(f"b{number:05}", headline=f"{said} {number}") for number in range(rows)])


def _applied(company: Company, rows: int) -> float:
    """Seconds of one apply."""
    began = time.monotonic()
    run = company.apply(SYNC)[SYNC]
    assert (run.status, run.acked) == ("done", rows), run
    return time.monotonic() - began


def _bare(crm: LocalTryton, rows: int, said: str) -> float:
    """Seconds of the same change by a loop that remembers nothing: look the ids up, write, next."""
    client, keys = crm.client(), [f"b{number:05}" for number in range(rows)]
    client.call("model.res.user.get_preferences", True)
    began = time.monotonic()
    for start in range(0, rows, ROWS_PER_CALL):
        some = [["external_id", "in", keys[start : start + ROWS_PER_CALL]]]
        found = client.call("model.sale.opportunity.search_read", some, 0, None, None, ["external_id"])
        parts = [
            part for row in found for part in ([row["id"]], {"description": f"{said} {row['external_id']}"})
        ]
        client.call("model.sale.opportunity.write", *parts)
    return time.monotonic() - began
