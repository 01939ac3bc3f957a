"""The proof of the hand-over protocol, against a second way to walk it, over mutated protocols.

The judge below tries every order in which willing people could act, and finds the longest way by relaxing all
moves as often as there are states (Bellman and Ford); the product walks situations one by one.
"""

from __future__ import annotations

import csv
import random
from itertools import permutations
from math import inf
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from orchestration.cli import app
from orchestration.handoff_check import FOLDER, MOST_MOVES, check_handoffs, check_protocol
from orchestration.trouble import Trouble

MUTANTS = 500
Rows = list[dict[str, Any]]


def rows_of(name: str) -> Rows:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def agreed() -> Rows:
    return [row for row in rows_of("handoff_transitions") if row["protocol_id"] == "agreed"]


def test_the_protocol_in_force_has_no_dead_end_and_keeps_its_promise() -> None:
    """RT14, moonshot 8: whoever is silent, somebody hears of it within the sum of the deadlines."""
    checked = check_handoffs()
    assert checked.findings == ()
    clocks = {
        row["from_state"]: float(row["after_business_hours"]) for row in agreed() if not row["on_signal"]
    }
    assert checked.hours_to_end_of_silence == clocks["routed"] + clocks["claimed"] == 18
    assert checked.hours_to_rest < inf and checked.situations == 7 * 2**2


def test_the_old_protocol_deadlocks_because_each_waits_for_the_other() -> None:
    """RT11 to RT13: both were told; nobody was lazy, and still nobody could move."""
    checked = check_handoffs("both_told")
    (deadlock,) = [finding for finding in checked.findings if finding.kind == "deadlock"]
    assert deadlock.subject == "routed"
    assert "account_rep waits for product_rep and product_rep waits for account_rep" in deadlock.sentence
    assert checked.hours_to_end_of_silence == inf


def test_the_command_says_both_in_a_sentence_and_by_its_exit_code() -> None:
    well = CliRunner().invoke(app, ["handoff", "check"])
    assert well.exit_code == 0 and "no deadlock, no dead end" in well.output, well.output
    old = CliRunner().invoke(app, ["handoff", "check", "--protocol", "both_told"])
    assert old.exit_code == 1 and "although all are willing" in old.output, old.output


def test_a_protocol_that_nobody_has_written_is_told_so() -> None:
    with pytest.raises(Trouble, match="has no protocol nobody: it has agreed, both_told"):
        check_handoffs("nobody")


def test_a_folder_with_a_protocol_whose_deadline_is_gone_shows_the_dead_end(tmp_path: Path) -> None:
    text = (FOLDER / "handoff_transitions.csv").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith("agreed,claimed,escalated,clock")]
    (tmp_path / "handoff_transitions.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    checked = check_handoffs(rules=tmp_path)
    assert [(finding.kind, finding.subject) for finding in checked.findings] == [("dead_end", "claimed")]


def test_a_unit_for_which_nobody_stands_in_is_found(tmp_path: Path) -> None:
    text = (FOLDER / "sales_units.csv").read_text(encoding="utf-8")
    changed = text.replace("security_licence,400,jp,marketing", "security_licence,400,jp,prod-erp")
    assert changed != text
    (tmp_path / "sales_units.csv").write_text(changed, encoding="utf-8")
    found = check_handoffs(rules=tmp_path).findings
    assert {finding.kind for finding in found} == {"stand_in"}
    assert any("inside-sales -> prod-erp -> inside-sales" in finding.sentence for finding in found)


@pytest.mark.parametrize("tenth", range(10))
def test_mutated_protocols_are_judged_as_a_second_way_of_walking_judges_them(tenth: int) -> None:
    kinds = set()
    for seed in range(tenth * MUTANTS // 10, (tenth + 1) * MUTANTS // 10):
        states, moves = mutated(random.Random(seed))
        checked = check_protocol(states, moves, promise_hours=18)
        judged = judge(states, moves, promise_hours=18)
        found = {(one.kind, one.subject) for one in checked.findings}
        assert (found, checked.hours_to_end_of_silence) == judged, (seed, moves)
        kinds |= {kind for kind, _ in found}
    assert len(kinds) >= 4, "the mutants are too tame to prove anything"


# -- protocols -------------------------------------------------------------------------------------


def mutated(dice: random.Random) -> tuple[Rows, Rows]:
    states, moves = rows_of("handoff_states"), agreed()
    for _ in range(dice.randint(1, 4)):
        dice.choice([drop, unclock, wait, turn_back, lengthen, forget_role, misname, repeat])(
            states, moves, dice
        )
    return states, moves


def drop(states: Rows, moves: Rows, dice: random.Random) -> None:
    moves.pop(dice.randrange(len(moves)))


def unclock(states: Rows, moves: Rows, dice: random.Random) -> None:
    state = dice.choice(["routed", "claimed", "escalated", "contacted", "returned"])
    moves[:] = [move for move in moves if move["from_state"] != state or move["on_signal"]]


def wait(states: Rows, moves: Rows, dice: random.Random) -> None:
    """In one state everybody waits for everybody, and no clock runs."""
    state = dice.choice(["routed", "claimed", "contacted"])
    unclock_only = [move for move in moves if move["from_state"] != state]
    one = {"from_state": state, "to_state": "contacted" if state != "contacted" else "qualified"}
    usual = {"protocol_id": "agreed", "after_business_hours": "", "on_signal": "contacted", "why": "w"}
    moves[:] = [
        *unclock_only,
        {**usual, **one, "moved_by": "owner", "waits_for": "marketing"},
        {**usual, **one, "moved_by": "marketing", "waits_for": dice.choice(["owner", "owner", ""])},
    ]


def turn_back(states: Rows, moves: Rows, dice: random.Random) -> None:
    moves[dice.randrange(len(moves))]["to_state"] = dice.choice(["routed", "claimed", "escalated"])


def lengthen(states: Rows, moves: Rows, dice: random.Random) -> None:
    clocks = [move for move in moves if not move["on_signal"]]
    if clocks:
        dice.choice(clocks)["after_business_hours"] = dice.choice(["1", "10", "200"])


def forget_role(states: Rows, moves: Rows, dice: random.Random) -> None:
    if dice.random() < 0.3:
        dice.choice(states)["accountable"] = ""


def misname(states: Rows, moves: Rows, dice: random.Random) -> None:
    if dice.random() < 0.3:
        moves[dice.randrange(len(moves))]["to_state"] = "limbo"


def repeat(states: Rows, moves: Rows, dice: random.Random) -> None:
    moves.append({**dice.choice(moves), "to_state": dice.choice(["contacted", "recycled"])})


EDITS = (drop, unclock, wait, turn_back, lengthen, forget_role, misname, repeat)


# -- the judge -------------------------------------------------------------------------------------


def judge(states: Rows, moves: Rows, *, promise_hours: float) -> tuple[set[tuple[str, str]], float]:
    table = {row["state"]: row for row in states}
    named = {"routed", *(move["from_state"] for move in moves), *(move["to_state"] for move in moves)}
    wrong = {("unknown_state", state) for state in named - set(table)}
    wrong |= {
        ("nobody_accountable", state)
        for state in named & set(table)
        if table[state]["accountable"] not in ("owner", "escalation", "marketing")
    }
    if wrong:
        return wrong, inf
    edges = {(move["from_state"], move["to_state"]) for move in moves}
    leads = {state: {state} for state in table}  # reflexive closure, a step a lap
    for _ in table:
        leads = {
            a: {c for b in beyond for c in {b, *(t for f, t in edges if f == b)}}
            for a, beyond in leads.items()
        }
    reached = leads["routed"]
    found: set[tuple[str, str]] = set()
    people = {m["moved_by"] for m in moves} | {m["waits_for"] for m in moves}
    people -= {"", "clock", "anyone"}
    for state in reached:
        here = [move for move in moves if move["from_state"] == state]
        if table[state]["is_end"] == "true" or any(not m["on_signal"] for m in here):
            continue
        found.add(("dead_end" if anybody_could(here, people) else "deadlock", state))
    looping = [state for state in reached if any(state in leads[to] for f, to in edges if f == state)]
    if looping:
        found.add(("endless", first_in_order_of_walk(looping, moves)))
    elif most_moves(edges) > MOST_MOVES:
        found.add(("too_many_moves", "routed"))
    found |= {("unreachable", s) for s in table if s not in reached and any(f == s for f, _ in edges)}
    for state in reached:
        here = [m for m in moves if m["from_state"] == state]
        if any(
            m["on_signal"] == n["on_signal"] and m["to_state"] != n["to_state"] for m in here for n in here
        ):
            found.add(("two_ways", state))
    silence = longest_silence(table, moves, people)
    if promise_hours < silence < inf:
        found.add(("promise_broken", "routed"))
    return found, silence


def anybody_could(here: Rows, people: set[str]) -> bool:
    """Whether some order of willing people lets one of them move: who waits needs the other to have gone."""
    for order in permutations(sorted(people)):
        gone: set[str] = set()
        for person in order:
            mine = [m for m in here if m["moved_by"] in (person, "anyone")]
            if any(not m["waits_for"] or m["waits_for"] in gone for m in mine):
                return True
    return False


def first_in_order_of_walk(looping: list[str], moves: Rows) -> str:
    seen, line = ["routed"], ["routed"]
    while line:
        state = line.pop(0)
        for move in moves:
            if move["from_state"] == state and move["to_state"] not in seen:
                seen.append(move["to_state"])
                line.append(move["to_state"])
    return min(looping, key=seen.index)


def most_moves(edges: set[tuple[str, str]]) -> int:
    steps, ends = 0, {"routed"}
    while ends:
        ends = {to for start, to in edges if start in ends}
        steps += bool(ends)
    return steps


def longest_silence(table: dict[str, Any], moves: Rows, people: set[str]) -> float:
    """Hours at which each silent state can be left last, relaxed as often as there are states; once more
    must change nothing."""

    def clock(state: str) -> float:
        return min(
            (
                float(m["after_business_hours"])
                for m in moves
                if m["from_state"] == state and not m["on_signal"]
            ),
            default=inf,
        )

    last = {state: -inf for state in table} | {"routed": 0.0}
    for lap in range(len(table) + 1):
        before = dict(last)
        for move in moves:
            state, to = move["from_state"], move["to_state"]
            if table[state]["ends_silence"] == "true" or last[state] == -inf:
                continue
            if move["on_signal"] and not can_go(move, [m for m in moves if m["from_state"] == state], people):
                continue
            last[to] = max(last[to], last[state] + clock(state))
        if before != last and lap == len(table):
            return inf
    silent = [state for state in table if table[state]["ends_silence"] != "true" and last[state] > -inf]
    if any(clock(state) == inf for state in silent):
        return inf
    return max((last[state] for state in table if table[state]["ends_silence"] == "true"), default=inf)


def can_go(move: dict[str, Any], here: Rows, people: set[str]) -> bool:
    if not people and move["moved_by"] == "anyone":
        return False
    waits: list[str] = []
    while move["waits_for"]:
        if move["waits_for"] in waits:
            return False
        waits.append(move["waits_for"])
        ways = [m for m in here if m["moved_by"] == move["waits_for"]]
        if not ways:
            return False
        move = next((m for m in ways if not m["waits_for"]), ways[0])
    return True
