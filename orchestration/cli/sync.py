"""The commands `ikusei sync`: what the other systems are told, and what they tell back."""

from __future__ import annotations

from typing import Annotated

import typer

from orchestration.cli.options import AsOf, Only, Wait, say
from orchestration.cli.told import told
from orchestration.home import Home, Settings

app = typer.Typer(
    help="Tell the other systems what they should have: plan, apply, verify, status.", no_args_is_help=True
)


@app.command("plan")
@told
def sync_plan(only: Only = None, as_of: AsOf = None, wait: Wait = False) -> int:
    """Say what would be sent and why the rest stays. Sends nothing."""
    from orchestration import activate, state
    from orchestration.lock import run_lock

    home = Home.from_environment()
    with run_lock(home.lock, "ikusei sync plan", wait=wait):
        built = state.read(home.run_state).built
        for line in activate.plan_lines(
            activate.plan(home, only=only, as_of=as_of or (built and built.as_of))
        ):
            say(line)
    return 0


@app.command("apply")
@told
def sync_apply(
    digest: Annotated[
        str | None, typer.Option(help="Send only if the plan is still the one with this digest.")
    ] = None,
    only: Only = None,
    wait: Wait = False,
) -> int:
    """Send the plan, write each answer into the ledger, and show the new state on the pages."""
    from orchestration import activate
    from orchestration.lock import run_lock
    from orchestration.publish import publish_sync_state

    home = Home.from_environment()
    with run_lock(home.lock, "ikusei sync apply", wait=wait):
        runs = activate.apply(home, digest=digest, only=only, on_progress=say)
        for line in activate.run_lines(runs):
            say(line)
        publish_sync_state(home, Settings.from_environment().zone)
    return 0 if activate.went_well(runs) else 1


@app.command("verify")
@told
def sync_verify(only: Only = None, wait: Wait = False) -> int:
    """Compare the ledger with what the other systems can tell about themselves."""
    from orchestration import activate
    from orchestration.lock import run_lock

    home = Home.from_environment()
    with run_lock(home.lock, "ikusei sync verify", wait=wait):
        found = activate.verify(home, only=only, on_progress=say)
    for line in activate.check_lines(found):
        say(line)
    return 0 if activate.is_as_sent(found) else 1


@app.command("audit")
@told
def sync_audit(only: Only = None, wait: Wait = False) -> int:
    """Note what the other systems have otherwise than we believe, and show it on the pages."""
    from orchestration import activate
    from orchestration.lock import run_lock
    from orchestration.publish import publish_sync_state

    home = Home.from_environment()
    with run_lock(home.lock, "ikusei sync audit", wait=wait):
        audits = activate.audit(home, only=only)
        for line in activate.audit_lines(audits):
            say(line)
        publish_sync_state(home, Settings.from_environment().zone)
    return 0 if activate.has_no_drift(audits) else 1


@app.command("pull")
@told
def sync_pull(wait: Wait = False) -> int:
    """Bring back what the sales people did in their CRMs: files of the landing folder for the next run."""
    from orchestration import activate
    from orchestration.lock import run_lock

    home = Home.from_environment().prepare()
    with run_lock(home.lock, "ikusei sync pull", wait=wait):
        found = activate.pull(home)
    say(", ".join(f"{count:,} {kind}" for kind, count in found.items()) + "; `ikusei run` loads them")
    return 0


@app.command("status")
@told
def sync_status() -> int:
    """Say for each sync how many rows are sent, open, rejected or unknown."""
    from orchestration import activate

    for line in activate.status_lines(Home.from_environment()):
        say(line)
    return 0
