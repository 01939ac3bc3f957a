"""The commands `ikusei links`: people's decisions about who is one person."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.options import By, Why, say
from orchestration.cli.told import told
from orchestration.home import Home

app = typer.Typer(help="Undo a merge, or allow it again: the next run obeys.", no_args_is_help=True)

LinkId = Annotated[
    str, typer.Argument(metavar="LINK", help="A link's id, as `ikusei explain person` shows it.")
]


@app.command("reject")
@told
def links_reject(link_id: LinkId, why: Why, by: By = None) -> int:
    """Say that two identifiers are not one person; the next run splits everything that stood on it."""
    return _decide(link_id, "reject", why, by)


@app.command("accept")
@told
def links_accept(link_id: LinkId, why: Why, by: By = None) -> int:
    """Say that the two identifiers of a link in the review queue are one person; the next run joins them."""
    return _decide(link_id, "accept", why, by)


@app.command("restore")
@told
def links_restore(link_id: LinkId, why: Why, by: By = None) -> int:
    """Take a rejection back; the next run ends in the rows that stood before it."""
    return _decide(link_id, "restore", why, by)


def _decide(link_id: str, decision: str, why: str, by: str | None) -> int:
    from orchestration.links import decide

    say(decide(Home.from_environment(), link_id, decision, why, by=by))
    return 0
