"""The command `ikusei matching train`: what each agreement between two people tells, learned from a home."""

from __future__ import annotations

import typer

from orchestration.cli.options import say_all
from orchestration.cli.told import told
from orchestration.home import Home

app = typer.Typer(help="Find people of several lists who are one.", no_args_is_help=True)


@app.command("train")
@told
def matching_train() -> int:
    """Learn from this home's own people how much each agreement tells, and write matching_model.json."""
    from orchestration.matching.training import retrain

    return say_all(retrain(Home.from_environment().warehouse))
