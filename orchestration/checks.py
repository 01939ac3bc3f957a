"""Checks: from the new rows of the raw tables to a verdict, by the contracts of `contracts.yml`.

Great Expectations judges a pandas batch of just the rows not yet passed and just the columns a rule names.
It is imported only when there are such rows, because that import alone costs seconds. A table's mark is the
`loaded_at` up to which its rows have passed; a breach leaves the mark where it was, so that the next run
judges those rows again.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml

from orchestration.home import ALL_KNOWN
from orchestration.state import write_json
from orchestration.trouble import Breach, Trouble

CONTRACTS = Path(__file__).with_name("contracts.yml")
BEFORE_ALL = "0001-01-01 00:00:00"
VECTORS_PER_BATCH = 245  # of 2,048 rows each: about half a million rows, some 200 MB in pandas

Rule = Mapping[str, Any]


@dataclass(frozen=True)
class BrokenRule:
    """One rule that some new rows break; `row_key` is one of them. No values: they may be personal."""

    table: str
    column: str
    expect: str
    why: str
    count: int
    row_key: str

    def __str__(self) -> str:
        rows = "1 new row breaks" if self.count == 1 else f"{self.count:,} new rows break"
        where = f"{self.table}, column {self.column}"
        return f"{where}: {rows} {self.expect} ({self.why}), e.g. row_key {self.row_key}"


@dataclass(frozen=True)
class TableVerdict:
    table: str
    rows: int
    broken: tuple[BrokenRule, ...]
    passed_through: str

    @property
    def passed(self) -> bool:
        return not self.broken


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
    """Judge every row that has not passed yet and move the marks of the tables that hold.

    Args:
        warehouse: the DuckDB file.
        marks_file: JSON of table name to `loaded_at` (text, UTC), in the home.
        known_at: rows loaded later are left for another run.
        tables: only these; all with a contract when None.

    Returns: one verdict for each table that had new rows.
    """
    rules = contracts()
    marks = _marks(marks_file)
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        verdicts = [
            _judge(connection, table, rules[table], marks.get(table, BEFORE_ALL), known_at)
            for table in (tables or rules)
            if _exists(connection, table)
        ]
    fresh = [verdict for verdict in verdicts if verdict.rows]
    passed = {verdict.table: verdict.passed_through for verdict in fresh if verdict.passed}
    if passed:
        write_json(marks_file, marks | passed)
    return fresh


def demand(verdicts: Iterable[TableVerdict], marks_file: Path) -> None:
    """Stop here when a verdict is a breach.

    Raises:
        Breach: names table, column, count and one row_key of each broken rule, and the mends.
    """
    verdicts = list(verdicts)
    broken = [rule for verdict in verdicts for rule in verdict.broken]
    if not broken:
        return
    marks = _marks(marks_file)
    passed = min(marks.get(rule.table, BEFORE_ALL) for rule in broken)
    meanwhile = (
        "" if passed == BEFORE_ALL else f", or build without them by `ikusei run --known-at '{passed}'`"
    )
    raise Breach(
        "the contract of the raw tables is broken: "
        + "; ".join(map(str, broken))
        + "; nothing was built from this batch and the last publication stays up: "
        + f"correct the source or the rule in orchestration/contracts.yml and run again{meanwhile}"
    )


def _marks(path: Path) -> dict[str, str]:
    return json.loads(path.read_text()) if path.exists() else {}


def _exists(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    schema, name = table.split(".")
    query = "select count(*) from information_schema.tables where table_schema = ? and table_name = ?"
    return connection.execute(query, [schema, name]).fetchone()[0] > 0


def _judge(
    connection: duckdb.DuckDBPyConnection, table: str, rules: Sequence[Rule], mark: str, known_at: str
) -> TableVerdict:
    window = "where loaded_at > cast(? as timestamp) and loaded_at <= cast(? as timestamp)"
    rows, through = connection.execute(
        f"select count(*), cast(max(loaded_at) as varchar) from {table} {window}", [mark, known_at]
    ).fetchone()
    if not rows:
        return TableVerdict(table, 0, (), mark)
    columns = sorted({"row_key", *(rule["column"] for rule in rules)})
    connection.execute(f"select {', '.join(columns)} from {table} {window}", [mark, known_at])
    return TableVerdict(table, rows, _broken_rules(table, rules, _batches(connection)), through)


def _batches(connection: duckdb.DuckDBPyConnection) -> Iterator[Any]:
    while len(batch := connection.fetch_df_chunk(VECTORS_PER_BATCH)):
        yield batch


def _broken_rules(table: str, rules: Sequence[Rule], batches: Iterator[Any]) -> tuple[BrokenRule, ...]:
    """Add up the breaches of each rule over the batches."""
    judge = _judge_of_batches(table)
    found: dict[int, BrokenRule] = {}
    for batch in batches:
        for number, (count, row_key) in enumerate(judge(batch, rules)):
            if count:
                before = found[number].count if number in found else 0
                rule = rules[number]
                found[number] = BrokenRule(
                    table, rule["column"], rule["expect"], rule["why"], before + count, row_key
                )
    return tuple(found.values())


def _judge_of_batches(table: str) -> Callable[[Any, Sequence[Rule]], list[tuple[int, str]]]:
    """A function (batch, rules) -> [(count of unexpected rows, one row_key)], in the order of the rules."""
    gx, source = _great_expectations()
    definition = source.add_dataframe_asset(table).add_batch_definition_whole_dataframe("new rows")
    shown = {"result_format": "SUMMARY", "unexpected_index_column_names": ["row_key"]}

    def judge(frame: Any, rules: Sequence[Rule]) -> list[tuple[int, str]]:
        expectations = [_expectation(gx.expectations, number, rule) for number, rule in enumerate(rules)]
        suite = gx.ExpectationSuite(name=table, expectations=expectations)
        results = definition.get_batch({"dataframe": frame}).validate(suite, result_format=shown).results
        by_number = {result.expectation_config.meta["number"]: result for result in results}
        return [_count_and_key(table, rule, by_number[number]) for number, rule in enumerate(rules)]

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


def _count_and_key(table: str, rule: Rule, result: Any) -> tuple[int, str]:
    if result.success:
        return 0, ""
    if "unexpected_count" not in result.result:  # the rule itself failed: that is no pass and no breach
        raise Trouble(
            f"the rule {rule['expect']} on {table}.{rule['column']} cannot be applied to that column: "
            "correct its arguments in orchestration/contracts.yml"
        )
    examples = result.result.get("partial_unexpected_index_list") or [{"row_key": "unknown"}]
    return int(result.result["unexpected_count"]), str(examples[0]["row_key"])
