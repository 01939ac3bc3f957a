"""Handoff check: from a protocol of hand-over, as data, to a proof that no lead is left in silence.

    handoff_states.csv, handoff_transitions.csv, sales_units.csv, routing_parameters.csv (or changed ones)
    -> every state x every set of parties that stay silent -> what is amiss, and the longest silence

No data is needed: the proof is about the protocol. A state in which nobody may move although all are willing
is a deadlock (each waits for the other); one in which silence never ends is a dead end. Where neither exists
and no way leads back, the sum of the deadlines on the longest way bounds the silence.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import inf
from pathlib import Path

from orchestration.home import PROJECT
from orchestration.trouble import Trouble
from orchestration.what_if import changed_rules

FOLDER = PROJECT / "models" / "6_routing"
FILES = ("handoff_states", "handoff_transitions", "sales_units", "routing_parameters")
START = "routed"
MOST_MOVES = 8  # the models walk so many (macros/handoffs.sql)
ROLES = ("owner", "escalation", "marketing")
NOBODY = ("clock", "anyone")
Row = Mapping[str, str]


@dataclass(frozen=True)
class Finding:
    """One flaw of a protocol: its kind, the state or unit it is about, and a sentence with the mend."""

    kind: str
    subject: str
    sentence: str


@dataclass(frozen=True)
class HandoffCheck:
    """What the walk found. `situations` counts states and sets of silent parties; the bounds are business
    hours, infinite where silence may never end."""

    protocol: str
    situations: int
    hours_to_end_of_silence: float
    hours_to_rest: float
    findings: tuple[Finding, ...]


class Protocol:
    """The states and moves of one protocol, read from rows of the two CSVs."""

    def __init__(self, states: Sequence[Row], moves: Sequence[Row]) -> None:
        self.states = {row["state"]: row for row in states}
        self.moves = list(moves)

    def moves_from(self, state: str) -> list[Row]:
        return [move for move in self.moves if move["from_state"] == state]

    def deadline(self, state: str) -> float:
        """Business hours after which the clock moves a hand-over on; infinite without a clock."""
        hours = [float(move["after_business_hours"]) for move in self.moves_from(state) if _is_clock(move)]
        return min(hours, default=inf)

    def is_end(self, state: str) -> bool:
        return _is_true(self.states[state]["is_end"])

    def ends_silence(self, state: str) -> bool:
        return _is_true(self.states[state]["ends_silence"])

    @property
    def parties(self) -> tuple[str, ...]:
        """Whoever acts or is waited for."""
        named = {move[column] for move in self.moves for column in ("moved_by", "waits_for")}
        return tuple(sorted(named - {"", *NOBODY}))

    def movers(self, state: str, silent: frozenset[str]) -> list[Row]:
        """The moves that can happen in a state when these parties stay silent: a waiting party may move once
        the one it waits for may."""
        possible: list[Row] = []
        while True:
            able = {move["moved_by"] for move in possible}
            more = [
                move
                for move in self.moves_from(state)
                if move not in possible and (_is_clock(move) or self._may(move, silent, able))
            ]
            if not more:
                return possible
            possible += more

    def _may(self, move: Row, silent: frozenset[str], able: set[str]) -> bool:
        willing = set(self.parties) - silent
        acts = bool(willing) if move["moved_by"] == "anyone" else move["moved_by"] in willing
        return acts and (not move["waits_for"] or move["waits_for"] in able)


def check_handoffs(protocol: str = "agreed", *, rules: Path | None = None) -> HandoffCheck:
    """Walk a protocol of handoff_transitions.csv, or of a folder of changed rule CSVs.

    Raises:
        Trouble: `rules` holds no changed rule CSV, or there is no protocol of that name.
    """
    changed = {file.stem: file for file in changed_rules(rules)} if rules else {}
    tables = {name: _rows(changed.get(name, FOLDER / f"{name}.csv")) for name in FILES}
    moves = [row for row in tables["handoff_transitions"] if row["protocol_id"] == protocol]
    if not moves:
        known = sorted({row["protocol_id"] for row in tables["handoff_transitions"]})
        raise Trouble(f"handoff_transitions.csv has no protocol {protocol}: it has {', '.join(known)}")
    promise = next(
        float(row["amount"])
        for row in tables["routing_parameters"]
        if row["parameter"] == "contact_within_business_hours"
    )
    found = check_protocol(tables["handoff_states"], moves, promise_hours=promise, name=protocol)
    stand_ins = tuple(_stand_ins_amiss(tables["sales_units"]))
    return HandoffCheck(
        found.protocol,
        found.situations,
        found.hours_to_end_of_silence,
        found.hours_to_rest,
        found.findings + stand_ins,
    )


def check_protocol(
    states: Sequence[Row], moves: Sequence[Row], *, promise_hours: float, name: str = ""
) -> HandoffCheck:
    """Walk one protocol given as rows; `promise_hours` is what the person was promised, in business hours."""
    unknown = tuple(_unknown(states, moves))
    if unknown:
        return HandoffCheck(name, 0, inf, inf, unknown)
    protocol = Protocol(states, moves)
    reached = _reached(protocol)
    silence = _longest(protocol, START, protocol.ends_silence)
    rest = _longest(protocol, START, protocol.is_end)
    findings = [*_stuck(protocol, reached), *_loops(protocol, reached), *_unclear(protocol, reached)]
    if silence < inf and silence > promise_hours:
        findings.append(_promise_broken(silence, promise_hours))
    return HandoffCheck(name, len(reached) * 2 ** len(protocol.parties), silence, rest, tuple(findings))


def _unknown(states: Sequence[Row], moves: Sequence[Row]) -> Iterator[Finding]:
    known = {row["state"]: row for row in states}
    named = {move[column] for move in moves for column in ("from_state", "to_state")} | {START}
    for state in sorted(named - known.keys()):
        yield Finding("unknown_state", state, f"{state} is no state: add it to handoff_states.csv")
    for state in sorted(named & known.keys()):
        role = known[state]["accountable"]
        if role not in ROLES:
            mend = f"{state} leaves nobody accountable ({role or 'empty'}): name one of {', '.join(ROLES)}"
            yield Finding("nobody_accountable", state, mend)


def _reached(protocol: Protocol) -> list[str]:
    """The states that moves lead to from the start, also by moves that nobody can make yet."""
    reached = [START]
    for state in reached:
        reached += [
            to
            for to in dict.fromkeys(move["to_state"] for move in protocol.moves_from(state))
            if to not in reached
        ]
    return reached


def _stuck(protocol: Protocol, reached: Sequence[str]) -> Iterator[Finding]:
    """States without a way on: whoever is silent, and even when nobody is."""
    for state in reached:
        if protocol.is_end(state):
            continue
        stuck = [silent for silent in _subsets(protocol.parties) if not protocol.movers(state, silent)]
        if frozenset() in stuck:
            waits = [f"{m['moved_by']} waits for {m['waits_for']}" for m in protocol.moves_from(state)]
            said = " and ".join(waits) or "no move leads on"
            yield Finding("deadlock", state, f"{state}: {said}, although all are willing: add a clock")
        elif stuck:
            names = " and ".join(sorted(min(stuck, key=lambda silent: (len(silent), sorted(silent)))))
            yield Finding("dead_end", state, f"{state}: if {names} stay silent nothing moves: add a clock")


def _loops(protocol: Protocol, reached: Sequence[str]) -> Iterator[Finding]:
    for state in reached:
        if state in _beyond(protocol, state):
            yield Finding("endless", state, f"{state} can come again for ever: let no way lead back")
            return
    moves = _most_moves(protocol, START)
    if moves > MOST_MOVES:
        yield Finding(
            "too_many_moves",
            START,
            f"{moves} moves in a row, {MOST_MOVES} are walked: raise handoff_moves()",
        )


def _unclear(protocol: Protocol, reached: Sequence[str]) -> Iterator[Finding]:
    """States that no move reaches, and rows that say two things at once."""
    for state in protocol.states:
        if state not in reached and protocol.moves_from(state):
            yield Finding("unreachable", state, f"no move leads to {state}: drop its rows or add one")
    for state in reached:
        told = {(move["on_signal"] or "the clock", move["to_state"]) for move in protocol.moves_from(state)}
        signals = [signal for signal, _ in told]
        for signal in sorted({one for one in signals if signals.count(one) > 1}):
            yield Finding("two_ways", state, f"{state}: {signal} leads to two states: keep one row")


def _promise_broken(silence: float, promise_hours: float) -> Finding:
    return Finding(
        "promise_broken",
        START,
        f"the person may hear nothing for {silence:g} business hours, {promise_hours:g} were promised: "
        "shorten a deadline, or change contact_within_business_hours",
    )


def _stand_ins_amiss(units: Sequence[Row]) -> Iterator[Finding]:
    """Each unit but marketing has somebody who stands in, and never itself by a detour."""
    stands_in = {row["unit_id"]: row["escalates_to"] for row in units}
    for unit in stands_in:
        chain = [unit]
        while (after := stands_in.get(chain[-1], "")) and after not in chain:
            chain.append(after)
        if after:
            yield Finding("stand_in", unit, f"{' -> '.join([*chain, after])}: nobody stands in in the end")
        elif chain[-1] not in stands_in:
            yield Finding("stand_in", unit, f"{chain[-1]} stands in for {unit} and is no unit")
        elif unit != "marketing" and len(chain) == 1:
            yield Finding("stand_in", unit, f"nobody stands in for {unit}: fill in escalates_to")


def _longest(protocol: Protocol, state: str, is_over, path: tuple[str, ...] = ()) -> float:
    """The most business hours until a state that `is_over`, whoever is silent or acts at the last moment."""
    if is_over(state):
        return 0.0
    if state in path or protocol.deadline(state) == inf:
        return inf
    onward = [move["to_state"] for move in protocol.movers(state, frozenset())]
    return protocol.deadline(state) + max(
        _longest(protocol, to, is_over, (*path, state)) for to in dict.fromkeys(onward)
    )


def _most_moves(protocol: Protocol, state: str) -> int:
    """Of a protocol without a way back: the most moves in a row."""
    onward = {move["to_state"] for move in protocol.moves_from(state)}
    return max((1 + _most_moves(protocol, to) for to in onward), default=0)


def _beyond(protocol: Protocol, state: str) -> set[str]:
    """The states that moves lead to from a state."""
    found: list[str] = [move["to_state"] for move in protocol.moves_from(state)]
    for one in found:
        found += [move["to_state"] for move in protocol.moves_from(one) if move["to_state"] not in found]
    return set(found)


def _subsets(parties: Sequence[str]) -> Iterator[frozenset[str]]:
    for size in range(len(parties) + 1):
        yield from map(frozenset, combinations(parties, size))


def _is_clock(move: Row) -> bool:
    return not move["on_signal"] and bool(move["after_business_hours"])


def _is_true(text: str) -> bool:
    return text.strip().lower() == "true"


def _rows(file: Path) -> list[dict[str, str]]:
    with file.open(encoding="utf-8-sig", newline="") as opened:
        return list(csv.DictReader(opened))


def as_lines(checked: HandoffCheck) -> list[str]:
    """The result as text for a terminal."""
    head = f"{checked.protocol}: {checked.situations} situations (state x who stays silent) walked: "
    if checked.findings:
        return [
            f"{head}{len(checked.findings)} faults",
            *(f"  {finding.kind:<18} {finding.sentence}" for finding in checked.findings),
        ]
    return [
        head + "no deadlock, no dead end, no endless way",
        f"  whoever stays silent, the lead is contacted, escalated or given back within "
        f"{checked.hours_to_end_of_silence:g} business hours, and back in nurturing or a deal within "
        f"{checked.hours_to_rest:g}",
    ]
