"""Scores: profiles of a build -> pairs with probability and evidence, as the dbt model hands them on.

DuckDB's result is made in a database of its own in memory: Splink's many tables never touch the warehouse.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.home import PROJECT
from orchestration.matching.linking import predict
from orchestration.matching.model import MatchingModel

FILE = Path("models") / "2_identity" / "matching_model.json"
KEY = "profile_key"


def model_file() -> Path:
    """The model of the project that is being built; a trial of other rules builds a copy of the project."""
    return Path(os.environ.get("IKUSEI_PROJECT", PROJECT)) / FILE


def score(profiles: pa.Table, seen: set[str], model: MatchingModel) -> pa.Table:
    """Score the pairs of which at least one profile is not among `seen`.

    Args:
        profiles: one row per profile: `profile_key`, `exact_person`, and the columns the model compares.
        seen: keys of the profiles that were scored before; pairs among them are left out.

    Returns:
        pair_key, left_key, right_key, left_person, right_person, probability (six decimals), and for each
        comparison `<name>_level` and `<name>_weight` (bits for, below zero against). A profile also has a row
        with itself, without a probability: that it has been compared, whatever was found.
    """
    keys = profiles.column(KEY).to_pylist()
    fresh = [key for key in keys if key not in seen]
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        connection.register("profiles_given", profiles)
        connection.register("fresh", pa.table({"fresh_key": pa.array(fresh, pa.string())}))
        connection.execute(
            f"create table profiles as select *, {KEY} as unique_id, {KEY} in (select fresh_key from fresh) "
            "as is_new from profiles_given"
        )
        pairs = predict(connection, "profiles", _of_changed(model)) if fresh else None
        return _told(connection, pairs, model).to_arrow_table()


def _of_changed(model: MatchingModel) -> MatchingModel:
    """The model, blocking only pairs with a new profile."""
    rules = [
        {"blocking_rule": f"({rule['blocking_rule']}) and (l.is_new or r.is_new)"}
        for rule in model.splink["blocking_rules_to_generate_predictions"]
    ]
    return model.with_splink(model.splink | {"blocking_rules_to_generate_predictions": rules})


def _told(connection: duckdb.DuckDBPyConnection, pairs: str | None, model: MatchingModel) -> Any:
    """Splink's table in our words, the smaller person left."""
    evidence = ", ".join(
        f"{_level(name, model)} as {name}_level, cast(round(mw_{name}, 2) as decimal(9, 2)) as {name}_weight"
        for name in model.comparisons
    )
    nothing = ", ".join(
        f"cast(null as varchar) as {name}_level, cast(null as decimal(9, 2)) as {name}_weight"
        for name in model.comparisons
    )
    alone = (
        f"select {KEY} as pair_key, {KEY} as left_key, {KEY} as right_key, exact_person as left_person, "
        f"exact_person as right_person, cast(null as decimal(9, 6)) as probability, {nothing} "
        "from profiles where is_new"
    )
    if pairs is None:
        return connection.sql(alone)
    return connection.sql(f"""
        {alone}
        union all
        select
            md5(left_key || right_key), left_key, right_key,
            least(one, other), greatest(one, other),
            cast(round(match_probability, 6) as decimal(9, 6)), {evidence}
        from (
            select
                pairs.*,
                ones.exact_person as one,
                others.exact_person as other,
                case when one < other then ones.{KEY} else others.{KEY} end as left_key,
                case when one < other then others.{KEY} else ones.{KEY} end as right_key
            from {pairs} as pairs
            inner join profiles as ones on pairs.unique_id_l = ones.unique_id
            inner join profiles as others on pairs.unique_id_r = others.unique_id
        )
        order by 1
    """)


def _level(comparison: str, model: MatchingModel) -> str:
    """SQL for the word of a comparison's level."""
    cases = " ".join(
        f"when {value} then '{label}'"
        for (name, value), label in model.labels().items()
        if name == comparison
    )
    return f"case gamma_{comparison} {cases} else 'unknown' end"
