"""The command `ikusei explain kpi`: from words on a command line to a number's rows, rules and history."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.told import told


@told
def explain_kpi(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A KPI of kpis.yml, such as action_rate_new.")],
    month: Annotated[
        str | None, typer.Option(metavar="YYYY-MM", help="The month; the newest by default.")
    ] = None,
    cut: Annotated[str, typer.Option(help="A cut: channel, campaign, form_kind, unit, ...")] = "all",
    member: Annotated[str, typer.Option(help="The member of the cut, such as email.")] = "all",
    why_changed: Annotated[
        bool,
        typer.Option("--why-changed", help="Split the difference to an earlier publication by its causes."),
    ] = False,
    since: Annotated[
        str | None, typer.Option(metavar="RUN", help="That publication; the one before by default.")
    ] = None,
) -> int:
    """Lead a KPI back to its definition, the rows it counts with file and line, and what it said before."""
    from orchestration.explain_kpi import explain_kpi as explain
    from orchestration.explain_kpi import restatement_lines
    from orchestration.home import Home
    from orchestration.restatements import split

    home = Home.from_environment()
    explained = explain(home, name, month=month, cut=cut, member=member)
    lines = list(explained.lines)
    adds_up = explained.adds_up
    if why_changed:
        found = split(home, since, say=lambda line: typer.echo(line, err=True))
        lines += restatement_lines(found, name, month)
        adds_up = adds_up and all(one.adds_up for one in found)
    for line in lines:
        typer.echo(line)
    return 0 if adds_up else 1
