"""The commands `ikusei explain`: from a number back to the rows and rules behind it."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.options import say, say_all
from orchestration.cli.told import told
from orchestration.home import Home, Settings

app = typer.Typer(help="Lead a number back to the rows and rules behind it.", no_args_is_help=True)


@app.command("score")
@told
def explain_score(
    person: Annotated[str, typer.Argument(help="A person_id or one of the person's e-mail addresses.")],
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="The score as it was on an earlier day.")
    ] = None,
) -> int:
    """Show each point of a score with its rule, file and line; they sum to the score exactly."""
    from orchestration.explain import as_lines
    from orchestration.explain import explain_score as explain
    from orchestration.run import Clocks

    settings = Settings.from_environment()
    day = Clocks.read(settings, on) if on else None
    explained = explain(Home.from_environment(), person, zone=settings.zone, on=day)
    for line in as_lines(explained):
        say(line)
    return 0 if explained.adds_up else 1


@app.command("person")
@told
def explain_person(
    person: Annotated[str, typer.Argument(help="A person_id or one of the person's e-mail addresses.")],
) -> int:
    """Show the tree of links that makes a person, with rule, confidence, time, file and line of each."""
    from orchestration.explain_people import explain_person as explain

    return say_all(explain(Home.from_environment(), person, zone=Settings.from_environment().zone))


@app.command("link")
@told
def explain_link(
    left: Annotated[str, typer.Argument(help="An identifier such as email:a@b.example or crm_lead:L1.")],
    right: Annotated[str, typer.Argument(help="Another identifier.")],
) -> int:
    """Show the path of links between two identifiers, or why there is none."""
    from orchestration.explain_links import explain_link as explain

    return say_all(explain(Home.from_environment(), left, right, zone=Settings.from_environment().zone))


@app.command("route")
@told
def explain_route(
    person: Annotated[str, typer.Argument(help="A person_id or one of the person's e-mail addresses.")],
) -> int:
    """Show who got a lead, by which agreed rule, who else was informed, and how far the hand-over is."""
    from orchestration.explain_people import explain_route as explain

    return say_all(explain(Home.from_environment(), person, zone=Settings.from_environment().zone))


@app.command("kpi")
@told
def explain_kpi(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A KPI of 8_funnel/kpis, such as action_rate_new.")
    ],
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
