"""Linking: Splink over a table, for predicting and for learning.

Splink comes in late: a build whose profiles did not change never loads it. It takes a DuckDB connection; on
Spark the same calls take a SparkSession (`_database`), and the conditions of the model are SQL of both.
"""

from __future__ import annotations

import logging
from typing import Any

from orchestration.matching.model import MatchingModel
from orchestration.trouble import Trouble

QUIET = logging.ERROR
LEAST = 5e-7  # for what training never saw: rare, not impossible
START = 1e-5  # where learning begins, so that it forgets what the file held before


def predict(connection: Any, table: str, model: MatchingModel, *, at_least: float | None = None) -> str:
    """Score the pairs that the model's blocking rules bring together.

    Args:
        connection: a DuckDB connection or a SparkSession that knows `table`.
        table: rows with the columns that the model compares, and its unique id.
        at_least: leave out pairs below this probability; by default those below the model's `review`.

    Returns:
        The name of a table with `<id>_l`, `<id>_r` (the smaller id left), `match_probability`,
        `match_weight`, and `gamma_<comparison>` and `mw_<comparison>` for each comparison.

    Raises:
        Trouble: a condition or blocking rule of the model does not fit the table.
    """
    linker = _linker(connection, table, model.splink)
    threshold = model.review if at_least is None else at_least
    try:
        found = linker.inference.predict(threshold_match_probability=threshold, warning_mode="never")
    except Exception as error:  # its text quotes the values of the row it failed at
        raise Trouble(
            f"Splink could not compare the rows of {table} ({type(error).__name__}): check the conditions "
            "and blocking rules in matching_model.json against the columns of int_match_profiles"
        ) from None
    return found.physical_name


def train(connection: Any, profiles: str, records: str, model: MatchingModel) -> MatchingModel:
    """Learn the weights without any labels.

    How often people who are not one agree (u) is counted over pairs of `profiles`, where the exact rules have
    joined already; how often one person's records agree (m) by expectation maximisation over `records`. Both
    may be one table. Then the share of pairs that are one person is set where the pairs found are as many as
    it expects (Splink's counting by rules where the model names rules).

    Source: Fellegi and Sunter (1969), "A Theory for Record Linkage"; Splink's training guide.
    """
    wanted = model.training
    settings = _untrained(model.splink)
    by_profiles = _linker(connection, profiles, settings)
    if rules := wanted.get("prior_rules"):
        by_profiles.training.estimate_probability_two_random_records_match(
            rules, recall=wanted["prior_recall"]
        )
    by_profiles.training.estimate_u_using_random_sampling(
        max_pairs=wanted["max_pairs"], seed=wanted["seed"], min_count_per_level=None, num_chunks=1
    )
    by_records = _linker(connection, records, _settings(by_profiles))
    for rule in wanted["blocks"]:
        by_records.training.estimate_parameters_using_expectation_maximisation(
            rule, estimate_without_term_frequencies=True
        )
    learned = model.with_splink(_learned(_settings(by_records), model))
    return learned if rules else _with_prior(connection, profiles, learned)


def _linker(connection: Any, table: str, settings: dict[str, Any]) -> Any:
    from splink import Linker

    logging.getLogger("splink").setLevel(QUIET)
    return Linker(_database(connection).register(table), settings, log_level=QUIET)


def _database(connection: Any) -> Any:
    if hasattr(connection, "sparkContext"):
        from splink.backends.spark import SparkAPI

        return SparkAPI(spark_session=connection)
    from splink import DuckDBAPI

    return DuckDBAPI(connection)


def _settings(linker: Any) -> dict[str, Any]:
    return linker.misc.save_model_to_json()


def _untrained(settings: dict[str, Any]) -> dict[str, Any]:
    """The same comparisons without their weights, but for weights that the file holds fast."""
    comparisons = [
        comparison
        | {
            "comparison_levels": [
                {k: v for k, v in level.items() if k not in ("m_probability", "u_probability")}
                for level in comparison["comparison_levels"]
            ]
        }
        for comparison in settings["comparisons"]
    ]
    return settings | {"comparisons": comparisons, "probability_two_random_records_match": START}


def _learned(settings: dict[str, Any], model: MatchingModel) -> dict[str, Any]:
    """The learned weights put into the file's own words.

    Records that the exact rules join look more alike than those that they miss, so a share of what the file
    expects is mixed into what one person's records show; a comparison that training cannot see is held to it.
    """
    weights = {
        (comparison["output_column_name"], level["label_for_charts"]): level
        for comparison in settings["comparisons"]
        for level in comparison["comparison_levels"]
    }
    kept = _untrained(model.splink)
    for comparison in kept["comparisons"]:
        name = comparison["output_column_name"]
        expected, share = model.expected(name)
        for level in comparison["comparison_levels"]:
            if not level.get("is_null_level"):
                label = level["label_for_charts"]
                m, u = (weights[name, label].get(which) for which in ("m_probability", "u_probability"))
                guess = expected.get(label, m)
                level["m_probability"] = _six_figures(guess if m is None else m + share * (guess - m))
                level["u_probability"] = _six_figures(u)
    prior = settings["probability_two_random_records_match"]
    return kept | {"probability_two_random_records_match": float(f"{prior:.6g}")}


def _six_figures(probability: float | None) -> float:
    """Rounded, so that a retraining on the same rows changes no byte of the file; never zero."""
    return float(f"{max(probability or 0.0, LEAST):.6g}")


def _with_prior(connection: Any, profiles: str, model: MatchingModel) -> MatchingModel:
    """The share of pairs that are one person: expectation maximisation with all weights held fast."""
    settings = model.splink
    name = settings["unique_id_column_name"]
    found = predict(connection, profiles, model, at_least=0.0)
    people = connection.sql(f"select count(distinct {name}) from {profiles}").fetchone()[0]
    weights = [row[0] for row in connection.sql(f"select match_weight from {found}").fetchall()]
    pairs, prior = people * (people - 1) / 2, settings["probability_two_random_records_match"]
    odds = [2.0**weight / (prior / (1 - prior)) for weight in weights]
    for _ in range(200):
        expected = sum(factor * prior / (factor * prior + 1 - prior) for factor in odds)
        prior = max(expected, 1.0) / pairs  # one pair at least: none would forbid to find any
    return model.with_splink(settings | {"probability_two_random_records_match": float(f"{prior:.6g}")})
