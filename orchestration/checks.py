"""Checks: from the new rows of the raw tables to a verdict, by the contracts of `contracts.yml`.

    new rows -> Great Expectations -> what holds is passed; a file's batch that breaks a rule is held

Great Expectations judges a pandas batch of just the rows not yet passed and just the columns a rule names.
It is imported only when there are such rows, because that import alone costs seconds. A table's mark is the
`loaded_at` up to which its rows have been judged. What breaks a rule is moved out of the raw table, by the
file that brought it (`ingestion.held`), so that the marts are built without it and everything else goes on.
A held batch is judged again when the rules of its table have changed, and let in if it holds then.
"""

from __future__ import annotations

import hashlib
import json
import logging
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import duckdb
import yaml

from ingestion import held
from ingestion.held import Batch, Hold
from orchestration.home import ALL_KNOWN
from orchestration.state import write_json
from orchestration.trouble import Trouble

CONTRACTS = Path(__file__).with_name("contracts.yml")
BEFORE_ALL = "0001-01-01 00:00:00"
SHOWN_LINES = 5
VECTORS_PER_BATCH = 245  # of 2,048 rows each: about half a million rows, some 200 MB in pandas

Rule = Mapping[str, Any]


@dataclass(frozen=True)
class BrokenRule:
    """One rule that some rows break, and the keys of those. No values: they may be personal."""

    column: str
    expect: str
    why: str
    row_keys: frozenset[str]

    def __str__(self) -> str:
        return f"column {self.column} breaks {self.expect} ({self.why})"


@dataclass(frozen=True)
class TableVerdict:
    """What became of the rows of one table: how many were judged, what is held of them, what was let in."""

    table: str
    rows: int
    held: tuple[Hold, ...] = ()
    released: tuple[Hold, ...] = ()

    @property
    def passed(self) -> bool:
        return not self.held


def contracts(path: Path = CONTRACTS) -> dict[str, list[Rule]]:
    """The rules by raw table."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def judge_new_rows(
    warehouse: Path,
    marks_file: Path,
    *,
    known_at: str = ALL_KNOWN,
    tables: Sequence[str] | None = None,
) -> list[TableVerdict]:
    """Judge every row that was not judged yet, hold the batches that break a rule, let in what now holds.

    Args:
        warehouse: the DuckDB file; nobody else may hold it.
        marks_file: JSON of table name to `loaded_at` (text, UTC), in the home.
        known_at: rows loaded later are left for another run.
        tables: only these; all with a contract when None.

    Returns: one verdict for each table that had new rows, or held rows under other rules than these.
    """
    rules = contracts()
    marks = _marks(marks_file)
    verdicts, through = [], {}
    _bring_up_to_date(warehouse)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        cases = [
            _case(connection, table, rules[table], marks.get(table, BEFORE_ALL), known_at)
            for table in (tables or rules)
            if _exists(connection, table)
        ]
    due = [case for case in cases if case.rows or case.reopened]
    if due:
        with duckdb.connect(str(warehouse)) as connection:
            verdicts = [_settle(connection, case) for case in due]
        through = {case.table: case.through for case in due if case.rows}
    if through:
        write_json(marks_file, marks | through)
    return verdicts


def held_now(warehouse: Path) -> list[Hold]:
    """Every batch that is held, of whatever table."""
    if not warehouse.exists():
        return []
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return held.holds(connection)


def sentence(hold: Hold) -> str:
    """What is held, why, and the three mends."""
    batch = hold.batch
    return (
        f"{batch.path}: {hold.rows:,} rows stay out of {batch.table} (held {batch.hold_id}): {hold.reason}; "
        "everything else is built: correct the file and run again, or the rule in "
        f"orchestration/contracts.yml, or let them in with `ikusei held release {batch.hold_id} --why ..`"
    )


def decide(warehouse: Path, hold_id: str, decision: str, by: str, why: str) -> str:
    """A person lets a held batch in (`release`) or gives it up (`discard`). Returns what was done.

    Raises:
        Trouble: nothing of that name is held.
    """
    now = _now()
    with duckdb.connect(str(warehouse)) as connection:
        found = next((hold for hold in held.holds(connection) if hold.batch.hold_id == hold_id), None)
        if found is None:
            raise Trouble(f"nothing is held as {hold_id}: `ikusei held show` lists what is")
        if decision == "release":
            rows = held.release(connection, found, now, by, why)
            return f"{rows:,} rows of {found.batch.path} are in {found.batch.table} again: run `ikusei run`"
        held.discard(connection, found, now, by, why)
        return f"{found.batch.path} is given up; its rows stay in {held.place_of(found.batch.table)}"


def _bring_up_to_date(warehouse: Path) -> None:
    """Gives the warehouse of an older version the tables that are missing."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        is_new = _exists(connection, "raw_intake.held")
    if not is_new:
        from ingestion.warehouse import opened

        with opened(warehouse):
            pass


def _marks(path: Path) -> dict[str, str]:
    return json.loads(path.read_text()) if path.exists() else {}


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    schema, name = table.split(".")
    query = "select count(*) from information_schema.tables where table_schema = ? and table_name = ?"
    return connection.execute(query, [schema, name]).fetchone()[0] > 0


@dataclass(frozen=True)
class _Case:
    """What is to be judged of one table: its new rows up to a moment, and batches held by other rules."""

    table: str
    rules: Sequence[Rule]
    since: str
    until: str
    rows: int
    through: str
    reopened: tuple[Hold, ...] = field(default=())

    @property
    def digest(self) -> str:
        """The rules in 12 signs; a held batch is judged again when they change."""
        return hashlib.sha256(json.dumps(self.rules, sort_keys=True, default=str).encode()).hexdigest()[:12]


# What a person has let in has been judged by that person.
_NEW = """loaded_at > cast($since as timestamp) and loaded_at <= cast($until as timestamp)
    and loaded_at not in (
        select recorded_at from raw_intake.held where raw_table = $table and state = 'released')"""


def _case(
    connection: duckdb.DuckDBPyConnection, table: str, rules: Sequence[Rule], mark: str, known_at: str
) -> _Case:
    window = {"since": mark, "until": known_at, "table": table}
    rows, through = connection.execute(
        f"select count(*), cast(max(loaded_at) as varchar) from {table} where {_NEW}", window
    ).fetchone()
    case = _Case(table, rules, mark, known_at, rows, through or mark)
    reopened = [hold for hold in held.holds(connection, table) if hold.rules_digest != case.digest]
    return _Case(table, rules, mark, known_at, rows, through or mark, tuple(reopened))


def _settle(connection: duckdb.DuckDBPyConnection, case: _Case) -> TableVerdict:
    """Hold what breaks a rule, let in what does so no more."""
    connection.execute("set TimeZone = 'UTC'")
    newly = _hold_broken(connection, case) if case.rows else []
    released = []
    for hold in case.reopened:
        place = held.place_of(case.table)
        own = {"path": hold.batch.path, "load_at": hold.batch.load_at}
        broken = _broken_rules(connection, case, place, "source_file = $path and loaded_at = $load_at", own)
        if broken:
            reason = _reason(connection, place, hold.batch, broken)
            newly.append(Hold(hold.batch, hold.rows, reason, case.digest))
            held.note(connection, newly[-1], "held", _now())
        else:
            held.release(connection, hold, _now(), "contract", "its rules have changed and it holds now")
            released.append(hold)
    return TableVerdict(case.table, case.rows, tuple(newly), tuple(released))


def _hold_broken(connection: duckdb.DuckDBPyConnection, case: _Case) -> list[Hold]:
    """Hold each file's part of the new rows that breaks a rule."""
    given = {"since": case.since, "until": case.until, "table": case.table}
    broken = _broken_rules(connection, case, case.table, _NEW, given)
    keys = sorted({key for rule in broken for key in rule.row_keys})
    if not keys:
        return []
    batches = connection.execute(
        f"select distinct source_file, loaded_at from {case.table} where {_NEW}"
        " and coalesce(row_key, 'None') in (select unnest($keys))"
        " order by all",
        given | {"keys": keys},
    ).fetchall()
    found = []
    for path, load_at in batches:
        batch = Batch(case.table, path, load_at)
        reason = _reason(connection, case.table, batch, broken)
        found.append(held.hold(connection, batch, reason, case.digest, _now()))
    return found


def _reason(
    connection: duckdb.DuckDBPyConnection, place: str, batch: Batch, broken: Sequence[BrokenRule]
) -> str:
    """Each broken rule with the lines of the file that break it: places, no values."""
    parts = []
    for rule in broken:
        lines = connection.execute(
            f"select line_number from {place} where source_file = $path and loaded_at = $load_at"
            " and coalesce(row_key, 'None') in (select unnest($keys))"
            " order by 1",
            {"path": batch.path, "load_at": batch.load_at, "keys": sorted(rule.row_keys)},
        ).fetchall()
        if lines:
            shown = ", ".join(str(line) for (line,) in lines[:SHOWN_LINES])
            more = f" and {len(lines) - SHOWN_LINES:,} more" if len(lines) > SHOWN_LINES else ""
            parts.append(f"{rule} in {len(lines):,} rows, line {shown}{more}")
    return "; ".join(parts)


def _batches(connection: duckdb.DuckDBPyConnection) -> Iterator[Any]:
    while len(batch := connection.fetch_df_chunk(VECTORS_PER_BATCH)):
        yield batch


def _broken_rules(
    connection: duckdb.DuckDBPyConnection, case: _Case, place: str, where: str, given: Mapping[str, Any]
) -> list[BrokenRule]:
    """The rules of a table that some of the rows break, each with the keys of those rows."""
    columns = sorted({"row_key", *(rule["column"] for rule in case.rules)})
    connection.execute(f"select {', '.join(columns)} from {place} where {where}", given)
    judge = _judge_of_batches(case.table)
    keys: list[set[str]] = [set() for _ in case.rules]
    for batch in _batches(connection):
        for number, found in enumerate(judge(batch, case.rules)):
            keys[number] |= found
    return [
        BrokenRule(rule["column"], rule["expect"], rule["why"], frozenset(found))
        for rule, found in zip(case.rules, keys, strict=True)
        if found
    ]


def _judge_of_batches(table: str) -> Callable[[Any, Sequence[Rule]], list[set[str]]]:
    """A function (batch, rules) -> [row keys of unexpected rows], in the order of the rules."""
    gx, source = _great_expectations()
    definition = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("new rows")
    shown = {"result_format": "COMPLETE", "unexpected_index_column_names": ["row_key"]}

    def judge(frame: Any, rules: Sequence[Rule]) -> list[set[str]]:
        expectations = [_expectation(gx.expectations, number, rule) for number, rule in enumerate(rules)]
        suite = gx.ExpectationSuite(name=table, expectations=expectations)
        results = definition.get_batch({"dataframe": frame}).validate(suite, result_format=shown).results
        by_number = {result.expectation_config.meta["number"]: result for result in results}
        return [_unexpected(table, rule, by_number[number]) for number, rule in enumerate(rules)]

    return judge


def _great_expectations() -> tuple[Any, Any]:
    """The package and a data source of a context that keeps nothing."""
    warnings.filterwarnings("ignore", module="great_expectations")
    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    return gx, context.data_sources.add_pandas("raw")


def _expectation(expectations: Any, number: int, rule: Rule) -> Any:
    """column_values_to_not_be_null -> ExpectColumnValuesToNotBeNull(column=...); results come unordered."""
    name = "Expect" + "".join(word.capitalize() for word in rule["expect"].split("_"))
    arguments = {key: value for key, value in rule.items() if key not in ("expect", "why")}
    return getattr(expectations, name)(**arguments, meta={"number": number})


def _unexpected(table: str, rule: Rule, result: Any) -> set[str]:
    if result.success:
        return set()
    if "unexpected_count" not in result.result:  # the rule itself failed: that is no pass and no breach
        raise Trouble(
            f"the rule {rule['expect']} on {table}.{rule['column']} cannot be applied to that column: "
            "correct its arguments in orchestration/contracts.yml"
        )
    return {str(row["row_key"]) for row in result.result["unexpected_index_list"]}


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
