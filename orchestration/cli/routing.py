"""The command `ikusei routing check`: the proof that the routing rules give every lead exactly one owner."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.options import AsOf, say_all
from orchestration.cli.told import told
from orchestration.home import Home, Settings

app = typer.Typer(help="Prove that the routing rules leave nobody out.", no_args_is_help=True)


@app.callback()
def group() -> None:
    """Keep `check` a word of its own, though it is the only one."""


@app.command("check")
@told
def routing_check(
    rules: Annotated[
        Path | None, typer.Option(help="Check these changed rule CSVs instead of the rules in force.")
    ] = None,
    as_of: AsOf = None,
) -> int:
    """Walk every combination of attributes: gaps, overlaps, ties, rules out of reach, units that cannot act.

    No data is needed: the proof is about the rules. Changed rules must also have been tried on real leads:
    `ikusei what-if --rules DIR --markdown` writes the report that must lie beside them. Exit code 1: some
    combination has no owner, or several, or nobody has tried these rules.
    """
    from orchestration.routing_check import as_lines, check_routing
    from orchestration.routing_report import report_trouble
    from orchestration.run import Clocks

    times = Clocks.read(Settings.from_environment(), as_of)
    checked = check_routing(Home.from_environment(), times, rules=rules)
    untried = report_trouble(rules)
    say_all([*as_lines(checked), *([f"  {'untried':<12} {untried}"] if untried else [])])
    return 1 if checked.faults or untried else 0
