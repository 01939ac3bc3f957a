"""The commands `ikusei what-if` and `learn-rules`: rules on trial before they are live."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.options import say, say_all
from orchestration.cli.told import told
from orchestration.home import Home, Settings

app = typer.Typer()


@app.command("what-if")
@told
def what_if_command(
    rules: Annotated[
        Path, typer.Option(help="A folder with the rule CSVs you changed, under their own names.")
    ],
    days: Annotated[int, typer.Option(help="Judge by the opportunities of so many days.", min=1)] = 90,
    shown: Annotated[int, typer.Option(help="Name at most this many people.", min=0)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Write the report as JSON.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Write the report as Markdown, without names of people.")
    ] = False,
) -> int:
    """Show who would cross which threshold under changed rules, and whether they would have found orders.

    Exit code 0: no harm, or too few opportunities to judge; 4: the past says the changed rules are worse.
    """
    import json

    from orchestration.routing_report import write_report
    from orchestration.what_if import what_if
    from orchestration.what_if_report import as_lines, as_markdown

    home = Home.from_environment()
    report = what_if(home, rules, horizon_days=days, shown=shown, say=lambda line: typer.echo(line, err=True))
    if attached := write_report(report, rules):
        typer.echo(f"{attached} goes beside the changed rules: `ikusei routing check` asks for it", err=True)
    if as_json:
        say(json.dumps(report.as_data(), ensure_ascii=False, indent=1, default=str))
    elif markdown:
        say(as_markdown(report))
    else:
        say_all(as_lines(report))
    return 4 if report.verdict == "worse" else 0


@app.command("learn-rules")
@told
def learn_rules_command(
    out: Annotated[Path, typer.Option(help="Folder for the candidate rule CSVs.")] = Path("learned_rules"),
) -> int:
    """Write candidate points and timing weights learned from past scores; `ikusei what-if` judges them."""
    from orchestration.learn import learn

    learned = learn(Home.from_environment(), out, zone=Settings.from_environment().zone)
    return say_all(learned.as_lines())
