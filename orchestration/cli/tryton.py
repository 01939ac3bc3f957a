"""`ikusei tryton`: a Tryton of this machine, for the demo and to try sending with."""

from __future__ import annotations

import signal

import typer

from orchestration.cli.told import told

app = typer.Typer(help="A Tryton of this machine, to try sending with.", no_args_is_help=True)


@app.command("install")
@told
def tryton_install() -> int:
    """Install Tryton in an environment of its own and build its empty database: a minute or two, once."""
    from orchestration.activation.local_tryton import install

    typer.echo(f"Tryton is installed in {install(say=typer.echo)}; the next `make demo` sends to it")
    return 0


@app.command("serve")
@told
def tryton_serve() -> int:
    """Run an empty Tryton until Ctrl-C, and say which variables let `ikusei sync apply` send to it."""
    from orchestration.activation.local_tryton import running_tryton
    from orchestration.demo_sending import units_of
    from orchestration.home import Home

    with running_tryton(units_of(Home.from_environment()), say=typer.echo) as crm:
        for name, value in crm.secrets().items():
            typer.echo(f"export {name}={value}")
        typer.echo("it is thrown away at the end (stop with Ctrl-C)")
        signal.pause()
    return 0
