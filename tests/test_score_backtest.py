"""The back-test: AUC as in scikit-learn, intervals as in Wilson, no score that finds shuffled outcomes."""

import math
import random
from pathlib import Path

import duckdb
import jinja2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from orchestration.home import PROJECT

MODELS = PROJECT / "models" / "4_scoring"
VARS = {"fewest_outcomes": 1, "fewest_people": 20}
people = st.lists(st.tuples(st.integers(0, 6), st.booleans()), min_size=2, max_size=60)


def sql(model: str) -> str:
    """A model's SQL with its references as plain tables; the models of the back-test need no more of dbt."""
    macros = (PROJECT / "macros" / name for name in ("backtest.sql", "bands.sql", "survival.sql"))
    files = (*macros, MODELS / f"{model}.sql")
    text = "".join(file.read_text(encoding="utf-8") for file in files)
    return jinja2.Template(text).render(ref=str, var=VARS.get)


def backtest(rows: list[tuple[float, bool]]) -> dict[str, float]:
    """The line of fct_score_backtest for people with these scores and outcomes."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table int_backtest_people (horizon_days int, cut_on date, score_kind text, outcome text, "
            "person_id text, score double, is_hit boolean)"
        )
        connection.executemany(
            "insert into int_backtest_people values (90, '2026-08-01', 'behaviour', 'opportunity', ?, ?, ?)",
            [[f"p{number}", score, hit] for number, (score, hit) in enumerate(rows)],
        )
        connection.execute(f"create table int_backtest_ranked as {sql('int_backtest_ranked')}")
        found = connection.execute(sql("fct_score_backtest"))
        return dict(zip([column[0] for column in found.description], found.fetchone(), strict=True))


@given(people)
@settings(max_examples=25, deadline=None)
def test_the_auc_is_scikit_learns_to_the_ninth_digit(rows: list[tuple[int, bool]]) -> None:
    hits = [hit for _, hit in rows]
    if len(set(hits)) < 2:
        return
    assert backtest(rows)["auc"] == pytest.approx(roc_auc_score(hits, [s for s, _ in rows]), abs=1e-9)


def test_no_score_finds_shuffled_outcomes() -> None:
    """A score that knows every outcome finds nothing once they are dealt to others."""
    dice = random.Random(1)
    rows = [(10 * hit + dice.random(), hit) for hit in (dice.random() < 0.1 for _ in range(3000))]
    found = backtest(rows)
    assert found["auc"] == 1
    assert abs(found["auc_shuffled"] - 0.5) < 2 * found["auc_standard_error"]


def companies_backtest(rows: list[tuple[float, bool]]) -> dict[str, float]:
    """The line of fct_company_backtest for companies with these totals and outcomes."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table int_company_backtest (horizon_days int, cut_on date, score_kind text, "
            "outcome text, company_id text, score double, is_hit boolean)"
        )
        connection.executemany(
            "insert into int_company_backtest values (90, '2026-08-01', 'total', 'opportunity', ?, ?, ?)",
            [[f"c{number}", score, hit] for number, (score, hit) in enumerate(rows)],
        )
        connection.execute(
            "create table company_aggregations as select 'total' as aggregation, '' as name_ja, '' as name_en"
        )
        found = connection.execute(sql("fct_company_backtest"))
        return dict(zip([column[0] for column in found.description], found.fetchone(), strict=True))


def test_companies_are_judged_as_people_are_and_shuffled_ones_are_not_found() -> None:
    """Companies whose score knows something of the outcome, and the same with outcomes dealt anew."""
    dice = random.Random(2)
    rows = [(hit + dice.gauss(0, 1), hit) for hit in (dice.random() < 0.15 for _ in range(1500))]
    found, of_people = companies_backtest(rows), backtest(rows)
    assert found["auc"] == pytest.approx(roc_auc_score([h for _, h in rows], [s for s, _ in rows]), abs=1e-9)
    assert found["auc"] == of_people["auc"] and found["lift_in_top_tenth"] > 2
    assert abs(found["auc_shuffled"] - 0.5) < 2 * found["auc_standard_error"]
    # The score is one normal deviate apart: 0.76 is the truth (Hanley and McNeil's interval must hold it).
    assert found["auc_low"] < 0.7602 < found["auc_high"] and found["auc_low"] > 0.7


def test_few_outcomes_give_no_figure_but_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(VARS, "fewest_outcomes", 20)
    found = backtest([(1, True)] * 19 + [(0, False)] * 100)
    assert (found["hits"], found["is_enough"], found["auc"], found["found_in_top_tenth"]) == (
        19,
        False,
        None,
        None,
    )


def test_a_rates_interval_is_wilsons() -> None:
    """10 of 100: Wilson's interval is 5.52 to 17.44 per cent (Newcombe 1998, table I)."""
    with duckdb.connect() as connection:
        connection.execute(
            "create table int_backtest_people as select 90 as horizon_days, date '2026-08-01' as cut_on, "
            "'behaviour' as score_kind, 'opportunity' as outcome, 'p' || n as person_id, 5.0 as score, "
            "n < 10 as is_hit from range(100) as numbers (n)"
        )
        connection.execute(
            "create table score_bands as select 'behaviour' as band_kind, '4' as band, -100 as min_score"
        )
        rate, low, high = connection.execute(
            f"select rate, rate_low, rate_high from ({sql('fct_score_calibration')})"
        ).fetchone()
    assert rate == 0.1
    assert math.isclose(low, 0.0552, abs_tol=1e-4) and math.isclose(high, 0.1744, abs_tol=1e-4)


def test_every_rule_set_has_its_reasons() -> None:
    for file in Path(PROJECT / "rule_sets").rglob("*.csv"):
        assert ",why," in file.read_text(encoding="utf-8").splitlines()[0]
