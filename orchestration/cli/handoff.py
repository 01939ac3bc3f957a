"""The commands `ikusei handoff`: from words on a command line to the proof about hand-overs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.told import told

app = typer.Typer(help="Prove that no hand-over ends in silence.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `check` a word of its own, though it is the only one."""


@app.command("check")
@told
def check(
    protocol: Annotated[
        str, typer.Option(help="A protocol of handoff_transitions.csv; `both_told` is how it was.")
    ] = "agreed",
    rules: Annotated[
        Path | None, typer.Option(help="Check these changed rule CSVs instead of the rules in force.")
    ] = None,
) -> int:
    """Walk every state and every set of silent people: no deadlock, no dead end, and a bound for the silence.

    Exit code 1: something is amiss.
    """
    from orchestration.handoff_check import as_lines, check_handoffs

    checked = check_handoffs(protocol, rules=rules)
    for line in as_lines(checked):
        typer.echo(line)
    return 1 if checked.findings else 0
