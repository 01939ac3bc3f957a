"""Told: a command's answer becomes its exit code, and whatever goes wrong one sentence on stderr."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import wraps
from typing import Any

import typer

from orchestration.trouble import sentence


def told(command: Callable[..., int | None]) -> Callable[..., None]:
    """Run a command; its answer is the exit code, and every exception becomes one sentence."""

    @wraps(command)
    def run_it(*arguments: Any, **options: Any) -> None:
        try:
            code = command(*arguments, **options) or 0
        except (typer.Exit, typer.Abort, typer.BadParameter):
            raise
        except KeyboardInterrupt:
            code = complain("stopped; what was public stays public", 130)
        except Exception as error:
            if os.environ.get("IKUSEI_DEBUG") == "1":
                raise
            code = complain(sentence(error), getattr(error, "exit_code", 1))
        raise typer.Exit(code)

    return run_it


def complain(text: str, code: int) -> int:
    """Say a sentence on stderr; returns the exit code, so that a command can end with it."""
    typer.echo(f"ikusei: {text}", err=True)
    return code
