"""Scores of past days are added up from deeds counted by person, rule and day: the same as deed by deed.

Where deeds are told anew, the counts of their people are written anew from the first such day on: the same as
counting all of them.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace

import duckdb
import jinja2
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.home import PROJECT

DAY = date(2026, 3, 31)
DBT = SimpleNamespace(
    datediff=lambda first, second, unit: f"date_diff('{unit}', {first}, {second})",
    type_string=lambda: "varchar",
)
RULE = "rule_id text, points decimal(18, 6), delay_days int, window_days int, half_life_days int, "
RULE += "cap_points decimal(18, 6), once text"
DEED = "person_id text, touch_id text, rule_id text, occurred_at timestamp, known_on date"
GIVEN = """
create view given as
select deeds.*, cast(occurred_at as date) as occurred_on, 'v' as rule_version, false as was_anonymous,
    '' as evidence, points as rule_points, delay_days, window_days, half_life_days, cap_points, once
from deeds inner join rules using (rule_id);
create view by_day as
select person_id, rule_id, occurred_on, known_on, count(*) as deeds from given group by all;
"""
WORTH = """
select person_id, scored_on, rule_id, sum(points), min(age_days),
    sum(case when age_days < 30 then greatest(0, nominal_points) else 0 end)
from ({{ points_worth("given", "days") }}) as worth group by all order by all
"""
ADDED_UP = """
select person_id, scored_on, rule_id, points, silent_days, points_30d
from ({{ points_added_up("by_day", "rules", "days") }}) as added_up order by all
"""
rules = st.tuples(
    st.decimals("-20", "40", places=1).filter(bool),
    st.integers(0, 5),
    st.one_of(st.none(), st.integers(1, 60)),
    st.one_of(st.none(), st.integers(5, 60)),
    st.one_of(st.none(), st.integers(-30, 30).filter(bool)),
    st.sampled_from([None, "day", "ever"]),
)
# person, rule, days before DAY, days until it was known whose deed it was, hour
deeds = st.tuples(
    st.sampled_from("pq"), st.integers(0, 1), st.integers(0, 70), st.integers(0, 9), st.integers(0, 23)
)


@given(st.lists(rules, min_size=2, max_size=2), st.lists(deeds, min_size=1, max_size=25))
@settings(max_examples=25, deadline=None)
def test_deeds_counted_by_day_come_to_what_the_deeds_come_to(pair: list[tuple], done: list[tuple]) -> None:
    macros = (PROJECT / "macros/points.sql").read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(f"create table rules ({RULE}); create table deeds ({DEED}); {GIVEN}")
        for number, rule in enumerate(pair):
            connection.execute("insert into rules values (?, ?, ?, ?, ?, ?, ?)", [f"r{number}", *rule])
        for number, (person, which, before, until_known, hour) in enumerate(done):
            day = DAY - timedelta(days=before)
            row = [person, f"t{number}", f"r{which}", datetime(day.year, day.month, day.day, hour)]
            connection.execute(
                "insert into deeds values (?, ?, ?, ?, ?)", [*row, day + timedelta(days=until_known)]
            )
        connection.execute(
            "create table days as select cast(? as date) - cast(n as integer) as scored_on "
            "from range(0, 40, 13) as numbers (n)",
            [DAY],
        )
        by_deed, by_day = (
            connection.execute(jinja2.Template(macros + query).render(dbt=DBT)).fetchall()
            for query in (WORTH, ADDED_UP)
        )
    assert by_deed == by_day
    assert all(isinstance(row[3], Decimal) for row in by_day)


# Whose a deed is, if anybody's, and on which day it was; none where it is no more.
told = st.one_of(st.none(), st.tuples(st.sampled_from(["p", "q", "r", None]), st.integers(0, 5)))
STUBS = {
    "ref": {"int_touches_changed": "changed", "int_people_rescored": "rescored"}.get,
    "is_incremental": lambda: True,
    "local_date": lambda moment: f"cast({moment} as date)",
    "rows_that": lambda relation, condition: condition,
}
TABLES = """
create table former (touch_id int, person_id text, occurred_on date);
create table points as from former;
create table changed (touch_id int, person_id text, occurred_at timestamp);
"""
COUNT_ANEW = """
create table by_day as select person_id, occurred_on, count(*) as deeds from former group by all;
create table rescored as {{ people_told_anew("former") }};
delete from by_day where {{ is_rescored("by_day", "occurred_on") }};
insert into by_day select person_id, occurred_on, count(*) from points
where {{ is_rescored("points", "occurred_on") }} group by all;
"""
ALL_COUNTED = "select person_id, occurred_on, count(*) as deeds from points group by all order by all"


@given(st.dictionaries(st.integers(0, 7), st.tuples(told, told), min_size=1))
@settings(max_examples=100, deadline=None)
def test_counting_from_the_first_changed_day_on_comes_to_what_counting_all_comes_to(touches: dict) -> None:
    macros = (PROJECT / "macros/touched.sql").read_text(encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        for touch, (before, after) in touches.items():
            for table, state in (("former", before), ("points", after), ("changed", after or before)):
                if state and (state[0] or table == "changed") and (before != after or table != "changed"):
                    person, day = state
                    row = [touch, person, DAY + timedelta(days=day)]
                    connection.execute(f"insert into {table} values (?, ?, ?)", row)
        connection.execute(jinja2.Template(macros + COUNT_ANEW).render(**STUBS))
        counted = connection.execute("from by_day order by all").fetchall()
        assert counted == connection.execute(ALL_COUNTED).fetchall()
