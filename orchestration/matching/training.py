"""Training: from a built warehouse to the weights of `matching_model.json`.

A company's own people spell, move and share names in their own way; so the weights in the repository, learned
from an invented company, are where to start from. Nothing is labelled, nothing of a person enters the file.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from orchestration.matching.linking import train
from orchestration.matching.model import MatchingModel
from orchestration.matching.scores import model_file
from orchestration.trouble import Trouble

FEWEST = 200


def retrain(warehouse: Path, *, file: Path | None = None) -> list[str]:
    """Learn the weights anew from a warehouse and write them into the model's file. Returns lines to say.

    Raises:
        Trouble: nothing is built there, or too few people to learn from.
    """
    path = file or model_file()
    model = MatchingModel.read(path)
    with duckdb.connect() as connection:
        connection.execute("set threads = 1")  # sums of several threads differ in the last digits
        people = _tables(connection, warehouse)
        learned = train(connection, "profiles", "records", model)
    learned.write(path)
    written = f"learned from {people:,} people, written to {path}: the next `ikusei run` compares anew"
    return [written, *_told(learned)]


def _tables(connection: duckdb.DuckDBPyConnection, warehouse: Path) -> int:
    """Copies of profiles and of distinct records, each with a key of its content; how many profiles."""
    quoted = str(warehouse).replace("'", "''")
    try:
        connection.execute(f"attach '{quoted}' as built (read_only)")
        connection.execute(
            "create table profiles as select *, profile_key as unique_id "
            "from built.identity.int_match_profiles order by unique_id"
        )
        connection.execute(
            "create table records as select distinct *, md5(cast(record as varchar)) as unique_id "
            "from (select * exclude (row_key, source) from built.identity.int_match_records) as record "
            "order by unique_id"
        )
    except duckdb.Error as error:
        raise Trouble(
            f"{warehouse} holds no people to learn from: run `ikusei run` first ({error})"
        ) from error
    (people,) = connection.execute("select count(*) from profiles").fetchone()
    if people < FEWEST:
        raise Trouble(
            f"{people} people are too few to learn from: below {FEWEST} keep the weights of the repository"
        )
    return people


def _told(model: MatchingModel) -> list[str]:
    """One line per level: how much more often one person shows it than two."""
    return [
        f"  {comparison['output_column_name']:<12} {level['label_for_charts']:<26} "
        f"{level['m_probability'] / level['u_probability']:>14,.3f} times as often in one person as in two"
        for comparison in model.splink["comparisons"]
        for level in comparison["comparison_levels"]
        if not level.get("is_null_level")
    ]
