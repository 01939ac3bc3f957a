"""`python -m ingestion.world make`: a world on the command line, without the rest of the product."""

from __future__ import annotations

import argparse
import sys
from datetime import date
from pathlib import Path

from . import UNTIL, make


def _arguments() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m ingestion.world", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    command = commands.add_parser("make", help="invent a company and write its landing files and the truth")
    command.add_argument("--people", type=int, default=2000, help="named people (default 2000)")
    command.add_argument("--days", type=int, default=400, help="days, the last one included (default 400)")
    command.add_argument("--seed", type=int, default=7, help="same seed, same bytes (default 7)")
    command.add_argument(
        "--until", type=date.fromisoformat, default=UNTIL, help=f"last day (default {UNTIL})"
    )
    command.add_argument("--settings", type=Path, default=None, help="YAML that replaces parts of world.yml")
    command.add_argument("--out", type=Path, required=True, help="folder that gets landing/ and truth/")
    return parser


def main(arguments: list[str] | None = None) -> int:
    """Make a world; 0 when made, 2 with a sentence when the wish makes no world."""
    wish = _arguments().parse_args(arguments)
    try:
        summary = make(
            wish.out,
            people=wish.people,
            days=wish.days,
            seed=wish.seed,
            until=wish.until,
            settings=wish.settings,
            on_progress=lambda sentence: print(sentence, file=sys.stderr),
        )
    except (ValueError, OSError) as trouble:
        print(trouble, file=sys.stderr)
        return 2
    print(summary)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
