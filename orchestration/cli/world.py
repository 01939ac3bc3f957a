"""The commands `ikusei world`: an invented company with known truth, and the table of errors against it."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.options import say
from orchestration.cli.told import told
from orchestration.home import Settings

app = typer.Typer(help="Invent a company with known truth, to try and to test.", no_args_is_help=True)

LAST_DAY = "2026-10-31"  # of the invented story


@app.command("make")
@told
def world_make(
    out: Annotated[Path, typer.Option(help="Folder for landing/ (the files) and truth/ (the answers).")],
    people: Annotated[int, typer.Option(min=1, help="How many people take part.")] = 2000,
    days: Annotated[int, typer.Option(min=1, help="How many days the story lasts.")] = 400,
    seed: Annotated[int, typer.Option(help="The same seed gives the same files, byte for byte.")] = 7,
    until: Annotated[str, typer.Option(metavar="DATE", help="The last day of the story.")] = LAST_DAY,
) -> int:
    """Invent a company: its files in exactly the formats that ingestion reads, with the truth beside them."""
    from ingestion.world import make
    from orchestration.clocks import as_of_day

    last_day = as_of_day(until, Settings.from_environment().zone)
    made = make(out, people=people, days=days, seed=seed, until=date.fromisoformat(last_day), on_progress=say)
    say(str(made))
    say(f"the company is in {out}: `ikusei run --landing {out / 'landing'} --as-of {last_day}` takes it in")
    return 0


@app.command("score")
@told
def world_score(
    people: Annotated[int, typer.Option(min=1, help="How many people take part.")] = 2000,
    days: Annotated[int, typer.Option(min=1, help="How many days the story lasts.")] = 400,
    seed: Annotated[int, typer.Option(help="Another seed, another world.")] = 7,
    until: Annotated[str, typer.Option(metavar="DATE", help="The last day of the story.")] = LAST_DAY,
    settings: Annotated[
        Path | None, typer.Option(help="YAML that replaces parts of world.yml, such as rates of troubles.")
    ] = None,
    world: Annotated[
        Path | None, typer.Option(help="Score this world (from `ikusei world make`) and make none.")
    ] = None,
    out: Annotated[
        Path, typer.Option(help="Folder for the world, its home, errors.json and errors.md.")
    ] = Path("data/score"),
) -> int:
    """Run the whole way over an invented world and compare the marts with its truth: the table of errors.

    The home of the run is OUT/home; IKUSEI_HOME is left alone. Its pages show the table.
    """
    from orchestration.clocks import as_of_day
    from orchestration.errors import invent, score, shown_lines

    ours, out = Settings.from_environment(), out.resolve()
    if world is None:
        last_day = as_of_day(until, ours.zone)
        world = invent(out, people=people, days=days, seed=seed, until=last_day, settings=settings, say=say)
    figures = score(world, out, ours, say=say)
    for line in shown_lines(figures):
        say(line)
    say(f"all figures: {out / 'errors.md'}, {out / 'errors.json'}, and the page of the home {out / 'home'}")
    return 0
