"""Transform: from raw tables to marts, by dbt in this process.

dbt costs interpreter and imports, not SQL: so it runs here by `dbtRunner`, with the manifest parsed once for
a set of rules and reused, in this process and (as a file of the home) in the next. Afterwards every
connection is closed, because dbt would otherwise keep the warehouse locked for all others.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import duckdb

from orchestration.home import PROJECT
from orchestration.state import rules_digest
from orchestration.trouble import Trouble, known_sentence

STAGES = (
    "staging",
    "identity",
    "behaviour",
    "scoring",
    "lifecycle",
    "routing",
    "activation",
    "funnel",
    "reporting",
)
GOOD = {"success", "pass"}
QUIET = {"DBT_SEND_ANONYMOUS_USAGE_STATS": "false", "DO_NOT_TRACK": "1"}
MEMORY = "7GiB"
"""What a build may take of the machine's memory; more than that goes to disk. Building 10 million touches
from nothing is a tenth slower so than with twice as much, and the pages and syncs beside it have room."""

_manifests: dict[tuple[str, str], Any] = {}


@dataclass(frozen=True)
class NodeResult:
    """What became of one model, seed or test."""

    unique_id: str
    status: str
    seconds: float
    message: str

    @property
    def kind(self) -> str:
        return self.unique_id.split(".")[0]

    @property
    def name(self) -> str:
        return self.unique_id.split(".")[2]


@dataclass(frozen=True)
class BuildReport:
    results: tuple[NodeResult, ...]

    def count(self, *kinds: str) -> int:
        return sum(result.kind in kinds and result.status in GOOD for result in self.results)

    @property
    def warnings(self) -> list[str]:
        return [f"{r.name}: {r.message}" for r in self.results if r.status == "warn"]


def build(
    warehouse: Path,
    target: Path,
    *,
    as_of: str,
    known_at: str,
    zone: str,
    full_refresh: bool,
    select: Sequence[str] = (),
    with_tests: bool = True,
    project: Path = PROJECT,
    rules: Path | None = None,
    decisions_known_at: str | None = None,
    on_progress: Callable[[str], None] | None = None,
) -> BuildReport:
    """Run `dbt build` on a warehouse file: seeds, models and data tests in order of their references.

    Args:
        warehouse: the DuckDB file; nobody else may hold it.
        target: folder for the manifest and compiled SQL.
        as_of: day 'YYYY-MM-DD' in `zone`; the marts are as of its end.
        known_at: UTC timestamp; rows loaded after it do not exist for this build.
        full_refresh: build incremental models from nothing.
        select: dbt selectors; all when empty.
        with_tests: of a selection, run the data tests too that its models allow.
        rules: folder laid out as the project; rule CSVs found in it are read instead of the project's.
        decisions_known_at: UTC timestamp for the decisions on links alone; `known_at` by default.

    Raises:
        Trouble: a model, seed or test failed; the sentence names them.
    """
    from orchestration.activation import have_ledger_tables

    have_ledger_tables(warehouse)
    clocks = {"as_of": as_of, "known_at": known_at, "zone": zone}
    if decisions_known_at:
        clocks["decisions_known_at"] = decisions_known_at
    words = ["build", "--vars", json.dumps(clocks), "--exclude-resource-type", "unit_test"]
    words += ["--full-refresh"] if full_refresh else []
    # Of tests over several models only those whose other models are there: a part may be all that is built.
    tests = "buildable" if with_tests else "empty"
    words += ["--select", *select, "--indirect-selection", tests] if select else []
    with _rules_from(rules, _parsed(warehouse, target, project)):
        return _run(words, warehouse, target, project, on_progress)


def unit_test(warehouse: Path, target: Path, *, project: Path = PROJECT) -> BuildReport:
    """Run the project's unit tests; they read columns, not rows, of a warehouse that was built once.

    Raises:
        Trouble: a unit test failed; the sentence names the first.
    """
    return _run(["test", "--select", "test_type:unit"], warehouse, target, project, None)


def manifest(warehouse: Path, target: Path, *, project: Path = PROJECT) -> dict[str, Any]:
    """The project's manifest as JSON, parsed only when the rules changed since `target` was written.

    Raises:
        Trouble: dbt cannot parse the project.
    """
    path = target / "manifest.json"
    if not (path.exists() and _parsed_digest(target) == rules_digest(project)):
        parse(warehouse, target, project=project)
    return json.loads(path.read_text())


def parse(warehouse: Path, target: Path, *, project: Path = PROJECT) -> None:
    """Write manifest.json and semantic_manifest.json for the rules as they stand.

    Raises:
        Trouble: dbt cannot parse the project.
    """
    digest = rules_digest(project)
    outcome = _invoke(["parse", "--no-partial-parse"], warehouse, target, project, None, None)
    if not outcome.success:
        raise Trouble(f"dbt cannot read the project: {_exception(outcome)}")
    (target / "parsed_for").write_text(digest)
    (target / "manifest.msgpack").write_bytes(_packed(outcome.result))
    _manifests[str(target), digest] = outcome.result


def _run(words: list[str], warehouse: Path, target: Path, project: Path, say: Any) -> BuildReport:
    outcome = _invoke(words, warehouse, target, project, _parsed(warehouse, target, project), say)
    if isinstance(outcome.exception, KeyboardInterrupt):  # dbt catches it; the person meant the whole command
        raise outcome.exception
    report = BuildReport(tuple(_node_result(result) for result in getattr(outcome.result, "results", ())))
    if not outcome.success:
        raise Trouble(_what_failed(outcome, report))
    return report


def _invoke(words: list[str], warehouse: Path, target: Path, project: Path, known: Any, say: Any) -> Any:
    """One dbt command in this process, with no network and no connection left open."""
    os.environ.update(QUIET)
    logging.raiseExceptions = False  # on a full disk dbt.log fails too; the build says so once
    before = os.environ.get("IKUSEI_WAREHOUSE")
    os.environ["IKUSEI_WAREHOUSE"] = str(warehouse)  # profiles.yml reads both
    os.environ["IKUSEI_MEMORY"] = _memory(os.environ.get("IKUSEI_MEMORY"))
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager
    from dbt.cli.main import dbtRunner

    target.mkdir(parents=True, exist_ok=True)
    places = ["--project-dir", project, "--profiles-dir", project]
    places += ["--target-path", target, "--log-path", target]
    quiet = ["--quiet", "--log-level", "none", "--log-level-file", "info", "--no-print", "--no-use-colors"]
    try:
        runner = dbtRunner(manifest=known, callbacks=[_watcher(say)] if say else [])
        return runner.invoke([*quiet, *words, *map(str, places)])
    finally:
        logging.raiseExceptions = True
        DuckDBConnectionManager.close_all_connections()
        os.environ.pop("IKUSEI_WAREHOUSE")
        os.environ.update({} if before is None else {"IKUSEI_WAREHOUSE": before})


@cache
def _memory(said: str | None) -> str:
    """What is said, else `MEMORY`, or what DuckDB would take by itself where a machine has little."""
    with duckdb.connect() as connection:
        own, is_little = connection.execute(
            "select own, parse_formatted_bytes(own) < parse_formatted_bytes(?)"
            " from (select current_setting('memory_limit') as own)",
            [MEMORY],
        ).fetchone()
        if not said:
            return own if is_little else MEMORY
        try:
            connection.execute("set memory_limit = ?", [said])
        except duckdb.Error as error:
            raise Trouble(f"IKUSEI_MEMORY={said} is no amount of memory: write it as {MEMORY}") from error
        return said


@contextmanager
def _rules_from(folder: Path | None, parsed: Any) -> Iterator[None]:
    """Let the seeds of a parsed project be read from another folder: so no second parse is needed."""
    seeds = [node for node in parsed.nodes.values() if node.resource_type == "seed"]
    moved = [seed for seed in seeds if folder and (folder / seed.original_file_path).exists()]
    before = [seed.root_path for seed in moved]
    try:
        for seed in moved:
            seed.root_path = str(folder)
        yield
    finally:
        for seed, root_path in zip(moved, before, strict=True):
            seed.root_path = root_path


def _parsed(warehouse: Path, target: Path, project: Path) -> Any:
    """The parsed project: from memory, else from the home, else by parsing it."""
    digest = rules_digest(project)
    if (str(target), digest) not in _manifests:
        if _parsed_digest(target) == digest and (target / "manifest.msgpack").exists():
            _manifests[str(target), digest] = _unpacked((target / "manifest.msgpack").read_bytes())
        else:
            parse(warehouse, target, project=project)
    return _manifests[str(target), digest]


def _parsed_digest(target: Path) -> str | None:
    note = target / "parsed_for"
    return note.read_text() if note.exists() else None


def _packed(parsed: Any) -> bytes:
    from dbt.parser.manifest import extended_mashumaro_encoder

    return parsed.to_msgpack(extended_mashumaro_encoder)


def _unpacked(packed: bytes) -> Any:
    from dbt.contracts.graph.manifest import Manifest
    from dbt.parser.manifest import extended_mashumuro_decoder

    found = Manifest.from_msgpack(packed, decoder=extended_mashumuro_decoder)
    found.build_flat_graph()
    return found


def _watcher(say: Callable[[str], None]) -> Callable[[Any], None]:
    """Say the first model of each stage, so that a long build shows where it is."""
    seen: set[str] = set()

    def watch(event: Any) -> None:
        if event.info.name != "LogStartLine":
            return
        node = event.data.node_info
        stage = node.node_relation.schema
        if node.resource_type == "model" and stage in STAGES and stage not in seen:
            seen.add(stage)
            say(stage)

    return watch


def _node_result(result: Any) -> NodeResult:
    message = " ".join(str(result.message or "").split())
    return NodeResult(result.node.unique_id, str(result.status), float(result.execution_time), message)


def _what_failed(outcome: Any, report: BuildReport) -> str:
    said = " ".join([str(outcome.exception or ""), *(result.message for result in report.results)])
    if known := known_sentence(said):
        return known
    if "Out of Memory Error" in said:
        return (
            f"the build needs more memory than the {os.environ['IKUSEI_MEMORY']} it may take: let it take"
            " more, for example `IKUSEI_MEMORY=12GiB`, then run again"
        )
    failed = [r for r in report.results if r.status in ("error", "fail", "runtime error")]
    if not failed:
        return f"dbt could not build: {_exception(outcome)}"
    first = failed[0]
    others = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
    kind = "test" if first.kind in ("test", "unit_test") else first.kind
    return (
        f"the {kind} {first.name} failed{others}: {first.message[:600]}; the last publication stays up; "
        f"look at it with `dbt build -s {first.name}` in dbt_project, mend it, then run again"
    )


def _exception(outcome: Any) -> str:
    return " ".join(str(outcome.exception or "no reason given, see dbt.log in the home").split())[:600]
