"""Pairs of people that the exact rules left apart, and how probable it is that they are one.

int_match_profiles + matching_model.json  ->  Splink  ->  one row per pair worth a look

A pair's probability depends on its two profiles and on the weights in the file, on nothing else. So of an
earlier build all pairs of unchanged profiles stand, and only those with a new or changed profile are scored;
with none, Splink is not even loaded. Rows of profiles that are gone stay behind: `int_match_outcomes` passes
them over.
"""


def model(dbt, session):
    dbt.config(materialized="incremental", incremental_strategy="delete+insert", unique_key="pair_key")
    from orchestration.matching.model import MatchingModel
    from orchestration.matching.scores import model_file, score

    profiles = dbt.ref("int_match_profiles").to_arrow_table()
    seen = set()
    if dbt.is_incremental:
        rows = session.execute(f"select left_key from {dbt.this} where left_key = right_key").fetchall()
        seen = {key for (key,) in rows}
    return score(profiles, seen, MatchingModel.read(model_file()))
