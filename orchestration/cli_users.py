"""`ikusei dashboards user`: who may read the pages, and as what.

A marketer sees no personal data, sales and administrators see all. From the first user on everybody logs in;
pages that other machines can reach (`--host`) always ask.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from orchestration.home import Home
from orchestration.told import told

users_app = typer.Typer(help="Who may read the pages: add, list, remove.", no_args_is_help=True)
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The name to log in with; no personal name is needed.")
]


@users_app.command("add")
@told
def users_add(
    name: Name,
    role: Annotated[str, typer.Option(help="marketer (no personal data), sales or admin.")],
) -> int:
    """Add a user, or give a known one a new role and password; its open sessions end.

    The password is asked for, or read from the first line of stdin, or from IKUSEI_PASSWORD.
    """
    from dashboards.accounts import Accounts

    home = Home.from_environment()
    Accounts(home.users).add(name, role, _password())
    typer.echo(f"{name} reads the pages as {role}; the pages ask for a log-in from now on")
    return 0


@users_app.command("list")
@told
def users_list() -> int:
    """Show each user and its role."""
    from dashboards.accounts import Accounts

    users = Accounts(Home.from_environment().users).names()
    for name, role in sorted(users.items()):
        typer.echo(f"{name}  {role}")
    if not users:
        typer.echo("there is no user: the pages are open to this machine, and to no other one")
    return 0


@users_app.command("remove")
@told
def users_remove(name: Name) -> int:
    """Remove a user; its open sessions end at once."""
    from dashboards.accounts import Accounts

    Accounts(Home.from_environment().users).remove(name)
    typer.echo(f"{name} is removed")
    return 0


def _password() -> str:
    """From the environment, a pipe, or a person who types it twice."""
    given = os.environ.get("IKUSEI_PASSWORD")
    if given is not None:
        return given
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    return typer.prompt("password", hide_input=True, confirmation_prompt=True)
