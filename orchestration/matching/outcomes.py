"""Outcomes: tables of a build in, the table of `int_match_outcomes` out."""

from __future__ import annotations

import pyarrow as pa

from orchestration.matching.decisions import Scored, settle
from orchestration.matching.model import MatchingModel

COLUMNS = pa.schema(
    [
        ("pair_key", pa.string()),
        ("left_person", pa.string()),
        ("right_person", pa.string()),
        ("outcome", pa.string()),
        ("because", pa.string()),
    ]
)


def outcomes(
    scores: pa.Table, profiles: pa.Table, domains: pa.Table, decisions: pa.Table, model: MatchingModel
) -> pa.Table:
    """One row per pair of present profiles that joins, waits or is kept apart.

    Args:
        scores: pair_key, left_key, right_key, left_person, right_person, probability.
        profiles: profile_key, exact_person, of this build: pairs of profiles that are gone are passed over.
        domains: exact_person, email_domain.
        decisions: left_person, right_person, decision (accept or reject).
    """
    present = dict(zip(*profiles.select(["profile_key", "exact_person"]).to_pydict().values(), strict=True))
    keys, pairs = {}, []
    for row in scores.to_pylist():
        if row["probability"] is not None and {row["left_key"], row["right_key"]} <= present.keys():
            pair = Scored(row["left_person"], row["right_person"], row["probability"])
            keys[pair.left, pair.right] = row["pair_key"]
            pairs.append(pair)
    said = decisions.to_pylist()
    settled = settle(
        pairs,
        join=model.join,
        review=model.review,
        largest=model.largest_person,
        accepted=[_ends(row) for row in said if row["decision"] == "accept"],
        rejected=[_ends(row) for row in said if row["decision"] == "reject"],
        addresses=[(row["exact_person"], row["email_domain"]) for row in domains.to_pylist()],
    )
    rows = [
        (keys[each.pair.left, each.pair.right], each.pair.left, each.pair.right, each.outcome, each.because)
        for each in settled
    ]
    return pa.table([list(column) for column in zip(*rows, strict=True)] or [[]] * 5, schema=COLUMNS)


def _ends(row: dict[str, str]) -> tuple[str, str]:
    left, right = sorted((row["left_person"], row["right_person"]))
    return left, right
