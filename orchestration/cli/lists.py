"""The commands `ikusei lists`: a list before it is loaded, and forms to fill in."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.options import say
from orchestration.cli.told import told
from orchestration.trouble import Trouble

app = typer.Typer(help="Look at a list before it is loaded, or get a form to fill in.", no_args_is_help=True)


@app.command("preview")
@told
def lists_preview(
    file: Annotated[Path, typer.Argument(help="A CSV, TSV, XLSX or XLS, in landing or anywhere.")],
    rows: Annotated[int, typer.Option(min=0, help="How many rows to show.")] = 5,
) -> int:
    """Show how a list would be read: encoding, delimiter, header, columns and first rows. Loads nothing.

    The rows are personal data: they go to this terminal only.
    """
    from ingestion.files import Unreadable
    from ingestion.preview import preview

    try:
        for line in preview(file, rows).lines():
            say(line)
    except Unreadable as error:
        raise Trouble(f"{file} {error}") from error
    return 0


@app.command("template")
@told
def lists_template(
    kind: Annotated[str, typer.Argument(help="list, touches, surveys, tickets, points, costs, budgets, ...")],
    out: Annotated[Path | None, typer.Option(help="The file to write; KIND.csv here by default.")] = None,
) -> int:
    """Write a form of a kind of table to fill in, and say what each column is for."""
    from ingestion.files import Unreadable
    from ingestion.preview import columns_told, template

    file = out or Path(f"{kind}.csv")
    try:
        form, told_lines = template(kind), list(columns_told(kind))
    except Unreadable as error:
        raise Trouble(str(error)) from error
    if file.exists():
        raise Trouble(f"{file} is there already: name another file with --out")
    file.write_bytes(form)
    for line in (*told_lines, f"the form is in {file}"):
        say(line)
    return 0
