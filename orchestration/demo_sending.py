"""The demo's sending: routed leads -> a Tryton of this machine where one is installed, else a file.

The Tryton is a copy of the installed template that lives as long as the demo, so each demo begins with an
empty ledger: its home is the demo's own, and nobody else ever sent from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import duckdb

from orchestration import activation
from orchestration.activation.local_tryton import LocalTryton, NoTryton, missing_piece, running_tryton
from orchestration.home import SYNCS, Home
from orchestration.publish import publish_sync_state

TRYTON, FILE = "tryton_routed_leads", "files_routed_leads"
Say = Callable[[str], None]


@contextmanager
def sent(home: Home, zone: str, *, say: Say = print) -> Iterator[str]:
    """Sends, shows it on the pages and yields where to; a Tryton runs until the body ends."""
    for left in home.activation.glob(f"{home.ledger.name}*"):
        left.unlink()
    with ExitStack() as stack:
        crm, why_not = _tryton(home, stack, say)
        runs = [_apply(home, FILE, {}, say)]
        runs += [_apply(home, TRYTON, crm.secrets(), say)] if crm else []
        publish_sync_state(home, zone)
        yield _sentence(runs[-1], crm, why_not)


def _tryton(home: Home, stack: ExitStack, say: Say) -> tuple[LocalTryton | None, str | None]:
    if why_not := missing_piece():
        return None, why_not
    try:
        return stack.enter_context(running_tryton(units_of(home), say=say)), None
    except NoTryton as error:
        return None, str(error)


def units_of(home: Home) -> list[str]:
    """The units that routing may name; Tryton needs an employee for each."""
    with duckdb.connect(str(home.warehouse), read_only=True) as warehouse:
        found = warehouse.execute("select unit_id from routing.sales_units order by unit_id").fetchall()
    return [unit for (unit,) in found]


def _apply(home: Home, sync: str, secrets: dict[str, str], say: Say) -> activation.SyncRun:
    (run,) = activation.apply(
        home.warehouse,
        home.ledger,
        SYNCS,
        only=sync,
        out_dir=home.sent_files,
        secrets=secrets,
        on_progress=say,
    )
    return run


def _sentence(run: activation.SyncRun, crm: LocalTryton | None, why_not: str | None) -> str:
    if crm is None:
        return f"{run.acked:,} routed leads went to a file, not to a CRM: {why_not}"
    return (
        f"{run.acked:,} routed leads are in the Tryton at {crm.url} ({run.guarantee}); "
        "their pages show its record numbers"
    )
