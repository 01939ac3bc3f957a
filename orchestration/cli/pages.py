"""`ikusei dashboards`: serve the pages, check them, say what they stand on, and who may read them.

A marketer sees no personal data, sales and administrators see all. From the first user on everybody logs in;
pages that other machines can reach (`--host`) always ask.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from orchestration.cli.told import complain, told
from orchestration.home import PROJECT, Home, Settings
from orchestration.trouble import Trouble

PORT = 8470

app = typer.Typer(help="Show the pages, or check that each of them renders.", no_args_is_help=True)
users_app = typer.Typer(help="Who may read the pages: add, list, remove.", no_args_is_help=True)
app.add_typer(users_app, name="user")
Name = Annotated[
    str, typer.Argument(metavar="NAME", help="The name to log in with; no personal name is needed.")
]


@app.command("serve")
@told
def dashboards_serve(
    host: Annotated[str, typer.Option(help="Listen on this address.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Listen on this port, or the next one that is free.")] = PORT,
) -> int:
    """Serve the pages of the last publication until stopped; a new publication shows at once."""
    from orchestration.demo import free_port

    home = Home.from_environment()
    if not home.published.exists():
        raise Trouble(f"nothing is published in {home.serving} yet: run `ikusei run` first")
    return serve_pages(home, host, free_port(port, host))


@app.command("check")
@told
def dashboards_check() -> int:
    """Render every page in both languages on the published file and name what fails."""
    from dashboards import check
    from orchestration.publish import metrics_of

    home = Home.from_environment()
    if not home.published.exists():
        raise Trouble(f"nothing is published in {home.serving} yet: run `ikusei run` first")
    file = home.published.resolve()
    problems = check(file, metrics_of(file), zone=Settings.from_environment().zone)
    for problem in problems:
        complain(str(problem), 1)
    if not problems:
        typer.echo(f"every page renders on {home.published.resolve().name}")
    return 1 if problems else 0


@app.command("exposures")
@told
def dashboards_exposures() -> int:
    """Write what each page reads into the dbt project (models/9_reporting/_exposures.yml)."""
    from dashboards.exposures import FILE, exposures

    (PROJECT / FILE).write_text(exposures(PROJECT), encoding="utf-8")
    typer.echo(f"{PROJECT / FILE} is written")
    return 0


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


def serve_pages(home: Home, host: str, port: int) -> int:
    """Serve until stopped; other machines reach the pages only with a user to log in as."""
    from dashboards import serve

    typer.echo(f"serving {home.published.resolve().name} on http://{host}:{port} (stop with Ctrl-C)")
    serve(home.serving, host, port, zone=Settings.from_environment().zone, users=home.users)
    return 0
