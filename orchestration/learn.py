"""Learn: from past scores and what came after them to candidate rules, for `ikusei what-if` to judge.

    points and timing features of past days, known on those days  -+
    opportunities of the days after each of them                  -+->  scoring_rules.csv, timing_weights.csv

Nothing here puts a rule into force. Every day learned from ends, with its outcomes, before the last 90 days
begin: those are left for the back-test that decides whether a candidate is adopted.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb
import numpy as np

from orchestration.home import PROJECT, Home
from orchestration.trouble import Trouble
from orchestration.what_if import FEWEST_OUTCOMES

RULES = PROJECT / "models" / "4_scoring" / "scoring_rules.csv"
WEIGHTS = PROJECT / "models" / "4_scoring" / "timing_weights.csv"
KEPT_FOR_JUDGING_DAYS = 90
HIGHEST_POINTS = 30.0  # what the strongest learned deed gives, as a quote request does by hand
HORIZONS = (30, 90)

# People who could be scored on a past day, and whether an opportunity came in the days after it.
SEATS = """
create or replace temp table seats as
with
    deals as (
        select
            person_id,
            cast((occurred_at at time zone 'UTC') at time zone '{zone}' as date) as reached_on,
            touch_type = 'opportunity_created' as is_opportunity
        from behaviour.fct_touches
        where touch_type in ('opportunity_created', 'order_placed') and person_id is not null
    ),
    days as (
        select distinct scored_on
        from scoring.int_score_days
        where
            day_use in ('cut', 'month')
            and scored_on + $horizon + $kept <= (select max(scored_on) from scoring.int_score_days)
    )
select
    history.person_id,
    history.scored_on,
    exists (
        select 1 from deals
        where deals.person_id = history.person_id and deals.is_opportunity
            and deals.reached_on > history.scored_on and deals.reached_on <= history.scored_on + $horizon
    ) as is_hit
from scoring.fct_score_history as history
inner join days on history.scored_on = days.scored_on
inner join identity.dim_people as people on history.person_id = people.person_id
where
    not people.is_internal
    and not exists (
        select 1 from deals
        where deals.person_id = history.person_id and deals.reached_on <= history.scored_on
    )
order by history.person_id, history.scored_on
"""
# How much of each rule a person had: 1.0 is one fresh deed, faded and capped as the rule says.
DEEDS = """
select worth.person_id, worth.scored_on, worth.rule_id, sum(worth.points / rules.points) as feature_value
from scoring.int_points_worth as worth
inner join seats on worth.person_id = seats.person_id and worth.scored_on = seats.scored_on
inner join scoring.scoring_rules as rules on worth.rule_id = rules.rule_id
where rules.points <> 0
group by all
"""
FEATURES = """
select features.person_id, features.scored_on, features.feature, features.feature_value
from scoring.int_timing_features as features
inner join seats on features.person_id = seats.person_id and features.scored_on = seats.scored_on
"""


@dataclass(frozen=True)
class Learned:
    """What was learned from: `people` counts person and day pairs; `files` are the candidates written."""

    people: int
    hits: int
    files: tuple[Path, ...]

    def as_lines(self) -> list[str]:
        """The outcome as text for a terminal."""
        folder = self.files[0].parent
        return [
            f"learned from {self.people:,} past scores and the {self.hits:,} opportunities after them",
            *(f"  {file}" for file in self.files),
            f"see what they would do: ikusei what-if --rules {folder}",
        ]


def learn(home: Home, out: Path, *, zone: str, rule_set: str = "default") -> Learned:
    """Write candidate rules learned from the home's past into `out`.

    Args:
        out: folder for scoring_rules.csv and timing_weights.csv.
        rule_set: whose behaviour rules get learned points; fit rules and other sets stay as they are.
        zone: the company's, for the day of an outcome.

    Raises:
        Trouble: nothing is built yet, or too few opportunities lie far enough in the past.
    """
    if not home.warehouse.exists():
        raise Trouble(f"there is no warehouse at {home.warehouse} yet: run `ikusei run` first")
    with duckdb.connect() as connection:
        _attach(connection, home.warehouse)
        points, people, hits = _rule_points(connection, zone)
        weights = [line for horizon in HORIZONS for line in _timing_lines(connection, horizon, zone)]
        day = connection.execute("select max(scored_on) from scoring.int_score_days").fetchone()[0]
    told = f"Learned on {hits} opportunities after {people} scores of past days as of {day}"
    out.mkdir(parents=True, exist_ok=True)
    files = (out / RULES.name, out / WEIGHTS.name)
    _write(files[0], *_candidate(points, rule_set, told))
    _write(files[1], _header(WEIGHTS), [{**line, "why": told} for line in weights])
    return Learned(people, hits, files)


def fit_nonnegative(table: np.ndarray, is_hit: np.ndarray) -> np.ndarray:
    """Weights of a logistic model, none below zero; the last is the intercept, which may be.

    scikit-learn's logistic regression knows no bound, so whatever comes out negative is left out and the rest
    is fitted again until nothing does (the active-set way of Lawson and Hanson, 1974).

    Args:
        table: people x features. is_hit: one truth value a person.
    """
    from sklearn.linear_model import LogisticRegression

    kept = np.flatnonzero(table.any(axis=0))
    weights = np.zeros(table.shape[1] + 1)
    while len(kept):
        model = LogisticRegression(C=1.0, max_iter=2000).fit(table[:, kept], is_hit)
        if (model.coef_[0] >= 0).all():
            weights[kept], weights[-1] = model.coef_[0], model.intercept_[0]
            return weights
        kept = kept[model.coef_[0] >= 0]
    weights[-1] = np.log(is_hit.mean() / (1 - is_hit.mean()))
    return weights


def _attach(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> None:
    """Read the warehouse under its own name, because its views name their catalog."""
    path = str(warehouse).replace("'", "''")
    connection.execute(f"attach '{path}' as {warehouse.stem} (read_only)")
    connection.execute(f"use {warehouse.stem}")


def _seats(connection: duckdb.DuckDBPyConnection, horizon: int, zone: str) -> dict[tuple, tuple[int, bool]]:
    """(person, day) -> (row number, whether an opportunity came within `horizon` days)."""
    values = {"horizon": horizon, "kept": KEPT_FOR_JUDGING_DAYS}
    connection.execute(SEATS.format(zone=ZoneInfo(zone).key), values)
    rows = connection.execute("select * from seats order by person_id, scored_on").fetchall()
    hits = sum(row[2] for row in rows)
    if hits < FEWEST_OUTCOMES:
        raise Trouble(
            f"too few to learn from (件数不足): of opportunities older than {KEPT_FOR_JUDGING_DAYS} days "
            f"there are {hits}, {FEWEST_OUTCOMES} are needed; keep the rules made by hand until there are"
        )
    return {(person, day): (number, hit) for number, (person, day, hit) in enumerate(rows)}


def _table(seats: dict[tuple, tuple[int, bool]], rows: Iterable[tuple], names: Sequence[str]) -> np.ndarray:
    table = np.zeros((len(seats), len(names)))
    places = {name: place for place, name in enumerate(names)}
    for person, day, name, value in rows:
        if name in places:
            table[seats[person, day][0], places[name]] = float(value)
    return table


def _outcomes(seats: dict[tuple, tuple[int, bool]]) -> np.ndarray:
    return np.array([hit for _, hit in seats.values()])


def _rule_points(connection: duckdb.DuckDBPyConnection, zone: str) -> tuple[dict[str, float], int, int]:
    """rule_id -> learned points, people, hits. The strongest rule gives HIGHEST_POINTS."""
    seats = _seats(connection, 90, zone)
    rows = connection.execute(DEEDS).fetchall()
    signs = dict(connection.execute("select rule_id, sign(points) from scoring.scoring_rules").fetchall())
    names = sorted({row[2] for row in rows})
    # A rule that speaks against a person may only do so: its column is turned round before the fit.
    table = _table(seats, rows, names) * np.array([signs[name] for name in names])
    weights = fit_nonnegative(table, _outcomes(seats))[:-1]
    scale = HIGHEST_POINTS / weights.max() if weights.any() else 0.0
    learned = {
        name: round(2 * scale * weight) / 2 * signs[name] for name, weight in zip(names, weights, strict=True)
    }
    return learned, len(seats), int(_outcomes(seats).sum())


def _timing_lines(connection: duckdb.DuckDBPyConnection, horizon: int, zone: str) -> list[dict[str, object]]:
    """Lines of timing_weights.csv for one horizon."""
    seats = _seats(connection, horizon, zone)
    with WEIGHTS.open(encoding="utf-8", newline="") as file:
        known = [line for line in csv.DictReader(file) if int(line["horizon_days"]) == horizon]
    names = [line["feature"] for line in known if line["feature"] != "intercept"]
    signs = np.array([-1 if line["speaks_against"] == "true" else 1 for line in known])[-len(names) :]
    table = _table(seats, connection.execute(FEATURES).fetchall(), names)
    found = fit_nonnegative(table * signs, _outcomes(seats))
    weights = dict(zip(names, found[:-1] * signs, strict=True)) | {"intercept": found[-1]}
    return [{**line, "weight": f"{weights[line['feature']] + 0.0:.4f}"} for line in known]


def _candidate(points: dict[str, float], rule_set: str, told: str) -> tuple[list[str], list[dict[str, str]]]:
    with RULES.open(encoding="utf-8", newline="") as file:
        lines = list(csv.DictReader(file))
    for line in lines:
        if line["rule_set"] == rule_set and line["score_kind"] == "behaviour":
            _teach(line, points.get(line["rule_id"]), told)
    return _header(RULES), lines


def _teach(line: dict[str, str], learned: float | None, told: str) -> None:
    """Put learned points into a rule; its cap grows with them, and what nobody did stays as it is."""
    if learned is None:
        return
    by_hand = float(line["points"])
    if line["cap_points"]:
        line["cap_points"] = f"{float(line['cap_points']) / by_hand * learned + 0.0:g}"
    line["points"] = f"{learned + 0.0:g}"  # no minus before a zero
    line["why"] = f"{told}; {by_hand:g} by hand"
    line["why_ja"] = f"学習した点(手作業では{by_hand:g}点)"


def _header(file: Path) -> list[str]:
    with file.open(encoding="utf-8", newline="") as opened:
        return next(csv.reader(opened))


def _write(file: Path, header: Sequence[str], lines: Sequence[dict[str, object]]) -> None:
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.DictWriter(opened, header, lineterminator="\n")
        writer.writeheader()
        writer.writerows(lines)
