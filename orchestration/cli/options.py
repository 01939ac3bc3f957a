"""Words that several commands share, and how they speak: a line at a time, at once."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

Landing = Annotated[
    str | None,
    typer.Option(help="Read files from this folder, or URL (s3://, sftp://), instead of the home's landing."),
]

AsOf = Annotated[
    str | None, typer.Option(metavar="DATE", help="The day whose end the marts stand for; today by default.")
]

KnownAt = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Use only rows loaded by then: a day (to its end) or an ISO time (UTC without an offset).",
    ),
]

Wait = Annotated[bool, typer.Option("--wait", help="Stand in line while another run holds the home.")]

Only = Annotated[str | None, typer.Option(metavar="SYNC", help="Only this sync.")]

Why = Annotated[str, typer.Option(help="The reason; it is kept with the decision.")]
By = Annotated[str | None, typer.Option(help="Who decides; the user of this machine when not given.")]
KnownAt = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Use only rows loaded by then: a day (to its end) or an ISO time (UTC without an offset).",
    ),
]

By = Annotated[str | None, typer.Option(help="Who decides; the user of this machine when not given.")]
KnownAt = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Use only rows loaded by then: a day (to its end) or an ISO time (UTC without an offset).",
    ),
]


def say(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()


def say_all(lines: list[str]) -> int:
    for line in lines:
        say(line)
    return 0
