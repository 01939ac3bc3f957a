"""The command `ikusei`: from words on a command line to the steps, and from whatever happens to one sentence.

Exit codes: 0 all went well; 1 something failed and a sentence says what and how to mend it; 2 the command
line is wrong; 3 another run holds the home; 4 `what-if` says that the changed rules are worse. IKUSEI_DEBUG=1
shows the traceback behind a sentence.
"""

from __future__ import annotations

import os
import sys
from datetime import date
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli_handoff import app as handoff_app
from orchestration.cli_kpi import explain_kpi
from orchestration.cli_pages import PORT, pages_app, serve_pages
from orchestration.cli_tryton import tryton_app
from orchestration.home import REPOSITORY, Home, Settings
from orchestration.told import complain as _complain
from orchestration.told import told
from orchestration.trouble import Trouble

LAST_DAY = "2026-10-31"  # of the invented story

app = typer.Typer(
    name="ikusei",
    help="Ikusei, an open lead-nurturing warehouse: from landed files to explained scores, routed leads and "
    "pages. Everything it writes lies in one home (IKUSEI_HOME, default ./data).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
world_app = typer.Typer(help="Invent a company with known truth, to try and to test.", no_args_is_help=True)
sync_app = typer.Typer(
    help="Tell the other systems what they should have: plan, apply, verify, status.", no_args_is_help=True
)
lists_app = typer.Typer(
    help="Look at a list before it is loaded, or get a form to fill in.", no_args_is_help=True
)
explain_app = typer.Typer(help="Lead a number back to the rows and rules behind it.", no_args_is_help=True)
app.add_typer(world_app, name="world", rich_help_panel=None)
app.add_typer(sync_app, name="sync")
app.add_typer(lists_app, name="lists")
app.add_typer(explain_app, name="explain")
explain_app.command("kpi")(explain_kpi)
links_app = typer.Typer(help="Undo a merge, or allow it again: the next run obeys.", no_args_is_help=True)
app.add_typer(links_app, name="links")
matching_app = typer.Typer(help="Find people of several lists who are one.", no_args_is_help=True)
app.add_typer(matching_app, name="matching")
routing_app = typer.Typer(help="Prove that the routing rules leave nobody out.", no_args_is_help=True)
app.add_typer(routing_app, name="routing")
app.add_typer(pages_app, name="dashboards")
held_app = typer.Typer(
    help="Rows that broke their contract: show, let in or give up what is held.", no_args_is_help=True
)
app.add_typer(held_app, name="held")
app.add_typer(handoff_app, name="handoff")
app.add_typer(tryton_app, name="tryton")
HoldId = Annotated[
    str, typer.Argument(metavar="HELD", help="A batch's name, as `ikusei held show` tells it.")
]

Landing = Annotated[
    str | None,
    typer.Option(help="Read files from this folder, or URL (s3://, sftp://), instead of the home's landing."),
]
AsOf = Annotated[
    str | None, typer.Option(metavar="DATE", help="The day whose end the marts stand for; today by default.")
]
LinkId = Annotated[
    str, typer.Argument(metavar="LINK", help="A link's id, as `ikusei explain person` shows it.")
]
Why = Annotated[str, typer.Option(help="The reason; it is kept with the decision.")]
By = Annotated[str | None, typer.Option(help="Who decides; the user of this machine when not given.")]
KnownAt = Annotated[
    str | None,
    typer.Option(
        metavar="TIME",
        help="Use only rows loaded by then: a day (to its end) or an ISO time (UTC without an offset).",
    ),
]
Wait = Annotated[bool, typer.Option("--wait", help="Stand in line while another run holds the home.")]
Only = Annotated[str | None, typer.Option(metavar="SYNC", help="Only this sync.")]


def _say(line: str) -> None:
    typer.echo(line)
    sys.stdout.flush()


def _say_all(lines: list[str]) -> int:
    for line in lines:
        _say(line)
    return 0


@app.command()
@told
def run(
    landing: Landing = None,
    as_of: AsOf = None,
    known_at: KnownAt = None,
    force: Annotated[bool, typer.Option("--force", help="Build and publish even if nothing is new.")] = False,
    full_refresh: Annotated[
        bool,
        typer.Option("--full-refresh", help="Build everything from nothing instead of adding what is new."),
    ] = False,
    wait: Wait = False,
) -> int:
    """Go the whole way once: ingest, contracts, build, publish, sync plan.

    Exit code 1 also when all else was done but a whole file could not be read, or rows that break a contract
    are held back (their sentences are printed).
    """
    from orchestration.run import run as go

    report = go(
        Home.from_environment(),
        Settings.from_environment(),
        landing=landing,
        as_of=as_of,
        known_at=known_at,
        force=force,
        full_refresh=full_refresh,
        wait=wait,
        say=_say,
    )
    if report.published:
        _say(f"published: {report.published} (see it with `ikusei dashboards serve`)")
    if report.held:
        batches = "1 batch is" if len(report.held) == 1 else f"{len(report.held)} batches are"
        _complain(f"{batches} held back, see above; all else was done", 1)
    if report.troubles:
        _complain(f"{_files(len(report.troubles))} could not be read, see above; all else was done", 1)
    return 1 if report.held or report.troubles else 0


@app.command()
@told
def ingest(
    source: Annotated[
        str | None,
        typer.Argument(
            help="Only this source, the name of its folder: web, forms, lists, ...; or the word status."
        ),
    ] = None,
    landing: Landing = None,
    retry_rejects: Annotated[
        bool,
        typer.Option("--retry-rejects", help="Read files with rejected lines again, as after a mend."),
    ] = False,
    wait: Wait = False,
) -> int:
    """Load what is new in the landing folder into the raw tables, and nothing else.

    `ikusei ingest status` loads nothing: it shows files, rows, rejects and the newest event of each source.
    """
    if source == "status":
        return _ingest_status()
    from orchestration.ingest import ingest as load
    from orchestration.lock import run_lock
    from orchestration.run import Progress, ingest_figures

    home, settings = Home.from_environment().prepare(), Settings.from_environment()
    progress = Progress(_say)
    with run_lock(home.lock, "ikusei ingest", wait=wait), progress.stage("ingest") as figures:
        report = load(
            home,
            landing=landing,
            sources=[source] if source else None,
            zone=settings.zone,
            retry_rejects=retry_rejects,
            on_progress=progress.inner,
        )
        figures += ingest_figures(report)
    for trouble in report.troubles:
        _complain(f"could not be read: {trouble}", 1)
    return 1 if report.troubles else 0


def _ingest_status() -> int:
    from datetime import UTC, datetime

    from ingestion import outdated, status
    from orchestration.checks import held_now
    from orchestration.checks import sentence as sentence_on_held

    found, now = status(Home.from_environment().warehouse), datetime.now(UTC).replace(tzinfo=None)
    for line in [one.line(now) for one in found] or ["nothing has come in yet: put files into landing/"]:
        _say(line)
    home = Home.from_environment()
    for line in outdated(home.warehouse, home.landing):
        _say(line)
    for hold in held_now(home.warehouse):
        _say(f"held back: {sentence_on_held(hold)}")
    return 0


@held_app.command("show")
@told
def held_show() -> int:
    """Say what is held back, why, and how it is mended. Exit code 1 when something is."""
    from orchestration import checks

    found = [checks.sentence(hold) for hold in checks.held_now(Home.from_environment().warehouse)]
    _say_all(found or ["nothing is held back"])
    return 1 if found else 0


@held_app.command("release")
@told
def held_release(hold: HoldId, why: Why, by: By = None, wait: Wait = False) -> int:
    """Let a held batch in although it breaks a rule; the next run builds with it."""
    return _decide_on_held(hold, "release", why, by, wait)


@held_app.command("discard")
@told
def held_discard(hold: HoldId, why: Why, by: By = None, wait: Wait = False) -> int:
    """Give a held batch up: it is no longer reported. Its rows stay in the schema `held`."""
    return _decide_on_held(hold, "discard", why, by, wait)


def _decide_on_held(hold: str, decision: str, why: str, by: str | None, wait: bool) -> int:
    from getpass import getuser

    from orchestration import checks
    from orchestration.lock import run_lock

    home = Home.from_environment().prepare()
    with run_lock(home.lock, f"ikusei held {decision}", wait=wait):
        _say(checks.decide(home.warehouse, hold, decision, by or getuser(), why))
    return 0


@world_app.command("make")
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
    made = make(
        out, people=people, days=days, seed=seed, until=date.fromisoformat(last_day), on_progress=_say
    )
    _say(str(made))
    _say(f"the company is in {out}: `ikusei run --landing {out / 'landing'} --as-of {last_day}` takes it in")
    return 0


@world_app.command("score")
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
        world = invent(out, people=people, days=days, seed=seed, until=last_day, settings=settings, say=_say)
    figures = score(world, out, ours, say=_say)
    for line in shown_lines(figures):
        _say(line)
    _say(f"all figures: {out / 'errors.md'}, {out / 'errors.json'}, and the page of the home {out / 'home'}")
    return 0


@sync_app.command("plan")
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
            _say(line)
    return 0


@sync_app.command("apply")
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
        runs = activate.apply(home, digest=digest, only=only, on_progress=_say)
        for line in activate.run_lines(runs):
            _say(line)
        publish_sync_state(home, Settings.from_environment().zone)
    return 0 if activate.went_well(runs) else 1


@sync_app.command("verify")
@told
def sync_verify(only: Only = None, wait: Wait = False) -> int:
    """Compare the ledger with what the other systems can tell about themselves."""
    from orchestration import activate
    from orchestration.lock import run_lock

    home = Home.from_environment()
    with run_lock(home.lock, "ikusei sync verify", wait=wait):
        found = activate.verify(home, only=only, on_progress=_say)
    for line in activate.check_lines(found):
        _say(line)
    return 0 if activate.is_as_sent(found) else 1


@sync_app.command("audit")
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
            _say(line)
        publish_sync_state(home, Settings.from_environment().zone)
    return 0 if activate.has_no_drift(audits) else 1


@sync_app.command("pull")
@told
def sync_pull(wait: Wait = False) -> int:
    """Bring back what the sales people did in their CRMs: files of the landing folder for the next run."""
    from orchestration import activate
    from orchestration.lock import run_lock

    home = Home.from_environment().prepare()
    with run_lock(home.lock, "ikusei sync pull", wait=wait):
        found = activate.pull(home)
    _say(", ".join(f"{count:,} {kind}" for kind, count in found.items()) + "; `ikusei run` loads them")
    return 0


@sync_app.command("status")
@told
def sync_status() -> int:
    """Say for each sync how many rows are sent, open, rejected or unknown."""
    from orchestration import activate

    for line in activate.status_lines(Home.from_environment()):
        _say(line)
    return 0


@lists_app.command("preview")
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
            _say(line)
    except Unreadable as error:
        raise Trouble(f"{file} {error}") from error
    return 0


@lists_app.command("template")
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
        _say(line)
    return 0


@explain_app.command("score")
@told
def explain_score(
    person: Annotated[str, typer.Argument(help="A person_id or one of the person's e-mail addresses.")],
    on: Annotated[
        str | None, typer.Option("--on", metavar="DATE", help="The score as it was on an earlier day.")
    ] = None,
) -> int:
    """Show each point of a score with its rule, file and line; they sum to the score exactly."""
    from orchestration.explain import as_lines
    from orchestration.explain import explain_score as explain
    from orchestration.run import Clocks

    settings = Settings.from_environment()
    day = Clocks.read(settings, on) if on else None
    explained = explain(Home.from_environment(), person, zone=settings.zone, on=day)
    for line in as_lines(explained):
        _say(line)
    return 0 if explained.adds_up else 1


@explain_app.command("person")
@told
def explain_person(
    person: Annotated[str, typer.Argument(help="A person_id or one of the person's e-mail addresses.")],
) -> int:
    """Show the tree of links that makes a person, with rule, confidence, time, file and line of each."""
    from orchestration.explain_people import explain_person as explain

    return _say_all(explain(Home.from_environment(), person, zone=Settings.from_environment().zone))


@explain_app.command("link")
@told
def explain_link(
    left: Annotated[str, typer.Argument(help="An identifier such as email:a@b.example or crm_lead:L1.")],
    right: Annotated[str, typer.Argument(help="Another identifier.")],
) -> int:
    """Show the path of links between two identifiers, or why there is none."""
    from orchestration.explain_links import explain_link as explain

    return _say_all(explain(Home.from_environment(), left, right, zone=Settings.from_environment().zone))


@explain_app.command("route")
@told
def explain_route(
    person: Annotated[str, typer.Argument(help="A person_id or one of the person's e-mail addresses.")],
) -> int:
    """Show who got a lead, by which agreed rule, who else was informed, and how far the hand-over is."""
    from orchestration.explain_people import explain_route as explain

    return _say_all(explain(Home.from_environment(), person, zone=Settings.from_environment().zone))


@app.command("as-of")
@told
def as_of_command(
    day: Annotated[str, typer.Argument(metavar="DATE", help="The day whose end the marts stand for.")],
    known_at: KnownAt = None,
    wait: Wait = False,
) -> int:
    """Build every mart as of an earlier day into a file of its own; warehouse and pages stay as they are."""
    from orchestration.as_of import build_as_of
    from orchestration.run import Clocks

    times = Clocks.read(Settings.from_environment(), day, known_at)
    file = build_as_of(Home.from_environment(), times, wait=wait, say=_say)
    _say(f"the marts as of {times.as_of} are in {file}")
    return 0


@links_app.command("reject")
@told
def links_reject(link_id: LinkId, why: Why, by: By = None) -> int:
    """Say that two identifiers are not one person; the next run splits everything that stood on it."""
    return _decide(link_id, "reject", why, by)


@links_app.command("accept")
@told
def links_accept(link_id: LinkId, why: Why, by: By = None) -> int:
    """Say that the two identifiers of a link in the review queue are one person; the next run joins them."""
    return _decide(link_id, "accept", why, by)


@links_app.command("restore")
@told
def links_restore(link_id: LinkId, why: Why, by: By = None) -> int:
    """Take a rejection back; the next run ends in the rows that stood before it."""
    return _decide(link_id, "restore", why, by)


def _decide(link_id: str, decision: str, why: str, by: str | None) -> int:
    from orchestration.links import decide

    _say(decide(Home.from_environment(), link_id, decision, why, by=by))
    return 0


@matching_app.command("train")
@told
def matching_train() -> int:
    """Learn from this home's own people how much each agreement tells, and write matching_model.json."""
    from orchestration.matching.training import retrain

    return _say_all(retrain(Home.from_environment().warehouse))


@app.command("what-if")
@told
def what_if_command(
    rules: Annotated[
        Path, typer.Option(help="A folder with the rule CSVs you changed, under their own names.")
    ],
    days: Annotated[int, typer.Option(help="Judge by the opportunities of so many days.", min=1)] = 90,
    shown: Annotated[int, typer.Option(help="Name at most this many people.", min=0)] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Write the report as JSON.")] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Write the report as Markdown, without names of people.")
    ] = False,
) -> int:
    """Show who would cross which threshold under changed rules, and whether they would have found orders.

    Exit code 0: no harm, or too few opportunities to judge; 4: the past says the changed rules are worse.
    """
    import json

    from orchestration.what_if import what_if
    from orchestration.what_if_report import as_lines, as_markdown

    home = Home.from_environment()
    report = what_if(home, rules, horizon_days=days, shown=shown, say=lambda line: typer.echo(line, err=True))
    if as_json:
        _say(json.dumps(report.as_data(), ensure_ascii=False, indent=1, default=str))
    elif markdown:
        _say(as_markdown(report))
    else:
        _say_all(as_lines(report))
    return 4 if report.verdict == "worse" else 0


@app.command("learn-rules")
@told
def learn_rules_command(
    out: Annotated[Path, typer.Option(help="Folder for the candidate rule CSVs.")] = Path("learned_rules"),
) -> int:
    """Write candidate points and timing weights learned from past scores; `ikusei what-if` judges them."""
    from orchestration.learn import learn

    learned = learn(Home.from_environment(), out, zone=Settings.from_environment().zone)
    return _say_all(learned.as_lines())


@app.command()
@told
def doctor() -> int:
    """Look at versions, home, disk, lock, last run and intake; each line says what to do if need be."""
    from orchestration.doctor import examine

    findings = []
    for finding in examine(Home.from_environment()):
        findings.append(finding)
        _say(str(finding))
    return 0 if all(finding.is_well for finding in findings) else 1


@app.command()
@told
def schedule(
    port: Annotated[
        int, typer.Option(help="Dagster's pages listen on this port, or the next free one.")
    ] = 3070,
) -> int:
    """Keep running: Dagster with its pages, the daily schedule, and the sensor that runs when files land."""
    import subprocess

    from orchestration.demo import HOST, free_port
    from orchestration.schedules import prepare_dagster

    home, port = Home.from_environment().prepare(), free_port(port)
    environment = os.environ | {"DAGSTER_HOME": str(prepare_dagster(home)), "IKUSEI_HOME": str(home.root)}
    words = ["-m", "dagster", "dev", "-w", str(REPOSITORY / "workspace.yaml"), "-h", HOST, "-p", str(port)]
    _say(f"Dagster is at http://{HOST}:{port} (stop with Ctrl-C)")
    return subprocess.run([sys.executable, *words], env=environment, cwd=REPOSITORY, check=False).returncode


@app.command()
@told
def demo(
    people: Annotated[int, typer.Option(min=1, help="How many people the invented company meets.")] = 2000,
    days: Annotated[int, typer.Option(min=1, help="How many days the story lasts.")] = 400,
    seed: Annotated[int, typer.Option(help="Another seed, another company.")] = 7,
    until: Annotated[str, typer.Option(metavar="DATE", help="The last day of the story.")] = LAST_DAY,
    port: Annotated[int, typer.Option(help="Serve on this port, or the next one that is free.")] = PORT,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the pages at the end.")] = True,
) -> int:
    """Invent a company, run the whole way over it, serve the pages and say three things to try.

    It lives in a home of its own (data/demo, unless IKUSEI_HOME says otherwise) and keeps it for next time.
    """
    from orchestration.demo import HOST, World, default_home, free_port, prepare, try_this
    from orchestration.demo_sending import sent

    home = default_home(REPOSITORY)
    prepare(home, Settings.from_environment(), World(people, days, seed, until), say=_say)
    port = free_port(port)
    with sent(home, Settings.from_environment().zone, say=_say) as where:
        for line in (where, *try_this(home, f"http://{HOST}:{port}")):
            _say(line)
        return serve_pages(home, HOST, port) if serve else 0


def _files(count: int) -> str:
    return "1 file" if count == 1 else f"{count} files"


if __name__ == "__main__":
    app()
