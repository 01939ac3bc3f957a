"""The command `ikusei`: from words on a command line to the steps, and from whatever happens to one sentence.

    steps       run, ingest, as-of, doctor, schedule, demo          rules       what-if, learn-rules
    lists       preview, template                                   held        show, release, discard
    explain     score, person, link, route, kpi                     links       reject, accept, restore
    routing     check          handoff     check                    matching    train
    sync        plan, apply, verify, audit, pull, status            tryton      install, serve
    dashboards  serve, check, exposures, user (in pages)            world       make, score

Exit codes: 0 all went well; 1 something failed and a sentence says what and how to mend it; 2 the command
line is wrong; 3 another run holds the home; 4 `what-if` says that the changed rules are worse. IKUSEI_DEBUG=1
shows the traceback behind a sentence. A module imports the engine only inside its commands: help is quick.
"""

from __future__ import annotations

import typer

from orchestration.cli import (
    explain,
    handoff,
    held,
    links,
    lists,
    matching,
    pages,
    routing,
    rules,
    steps,
    sync,
    tryton,
    world,
)

app = typer.Typer(
    name="ikusei",
    help="Ikusei, an open lead-nurturing warehouse: from landed files to explained scores, routed leads and "
    "pages. Everything it writes lies in one home (IKUSEI_HOME, default ./data).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(steps.app)
app.add_typer(rules.app)
app.add_typer(world.app, name="world")
app.add_typer(lists.app, name="lists")
app.add_typer(held.app, name="held")
app.add_typer(explain.app, name="explain")
app.add_typer(links.app, name="links")
app.add_typer(matching.app, name="matching")
app.add_typer(routing.app, name="routing")
app.add_typer(handoff.app, name="handoff")
app.add_typer(sync.app, name="sync")
app.add_typer(tryton.app, name="tryton")
app.add_typer(pages.app, name="dashboards")
