"""The commands `ikusei held`: files that broke their table's contract, and what is decided of them."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.options import By, Wait, Why, say, say_all
from orchestration.cli.told import told
from orchestration.home import Home

app = typer.Typer(
    help="Rows that broke their contract: show, let in or give up what is held.", no_args_is_help=True
)

HoldId = Annotated[
    str, typer.Argument(metavar="HELD", help="A batch's name, as `ikusei held show` tells it.")
]


@app.command("show")
@told
def held_show() -> int:
    """Say what is held back, why, and how it is mended. Exit code 1 when something is."""
    from orchestration import checks

    found = [checks.sentence(hold) for hold in checks.held_now(Home.from_environment().warehouse)]
    say_all(found or ["nothing is held back"])
    return 1 if found else 0


@app.command("release")
@told
def held_release(hold: HoldId, why: Why, by: By = None, wait: Wait = False) -> int:
    """Let a held batch in although it breaks a rule; the next run builds with it."""
    return _decide_on_held(hold, "release", why, by, wait)


@app.command("discard")
@told
def held_discard(hold: HoldId, why: Why, by: By = None, wait: Wait = False) -> int:
    """Give a held batch up: it is no longer reported. Its rows stay in the schema `held`."""
    return _decide_on_held(hold, "discard", why, by, wait)


def _decide_on_held(hold: str, decision: str, why: str, by: str | None, wait: bool) -> int:
    from getpass import getuser

    from orchestration import checks
    from orchestration.lock import run_lock

    home = Home.from_environment().prepare()
    with run_lock(home.lock, f"ikusei held {decision}", wait=wait):
        say(checks.decide(home.warehouse, hold, decision, by or getuser(), why))
    return 0
