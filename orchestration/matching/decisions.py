"""Decisions: scored pairs and people's words -> which pairs join, wait for a person, or never join.

The best pair first, ties by its names; a pair that would bring together what must stay apart waits for a
person instead. So the outcome depends on the set of pairs and decisions alone, not on their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

Pair = tuple[str, str]


@dataclass(frozen=True)
class Scored:
    """Two people of the exact rules (`left` < `right`) and how probable it is that they are one."""

    left: str
    right: str
    probability: Decimal


@dataclass(frozen=True)
class Outcome:
    """What becomes of a pair: `joined`, `queued` or `rejected`, and the word of the reason."""

    pair: Scored
    outcome: str
    because: str


def settle(
    pairs: Iterable[Scored],
    *,
    join: float,
    review: float,
    largest: int,
    accepted: Iterable[Pair] = (),
    rejected: Iterable[Pair] = (),
    addresses: Iterable[Pair] = (),
) -> list[Outcome]:
    """Decide every pair of at least `review`.

    Args:
        join: probability from which a pair joins unasked.
        review: probability from which a pair is shown to a person.
        largest: how many exact people one person may be made of unasked.
        accepted, rejected: pairs of exact people that a person has joined, or has parted for good.
        addresses: (exact person, company domain of an own address); an employer gives a person one address,
            so two people with one domain do not join unasked.

    Returns:
        One outcome per pair that is not already one by better pairs or by acceptance.
    """
    groups = _Groups(rejected, addresses)
    for left, right in sorted(set(accepted)):
        groups.join(left, right)
    pairs = [pair for pair in pairs if pair.probability >= Decimal(str(review))]
    alike = _alike(pairs)
    outcomes = []
    for pair in sorted(pairs, key=lambda pair: (-pair.probability, pair.left, pair.right)):
        if groups.are_one(pair.left, pair.right):
            continue
        outcome = _outcome(pair, groups, alike, Decimal(str(join)), largest)
        if outcome.outcome == "joined":
            groups.join(pair.left, pair.right)
        outcomes.append(outcome)
    return outcomes


def _alike(pairs: Iterable[Scored]) -> dict[str, set[str]]:
    """Person -> whom she may be."""
    alike: dict[str, set[str]] = {}
    for pair in pairs:
        alike.setdefault(pair.left, set()).add(pair.right)
        alike.setdefault(pair.right, set()).add(pair.left)
    return alike


def _outcome(
    pair: Scored, groups: _Groups, alike: dict[str, set[str]], join: Decimal, largest: int
) -> Outcome:
    if groups.are_parted(pair.left, pair.right):
        return Outcome(pair, "rejected", "a_person_parted_them")
    if pair.probability < join:
        return Outcome(pair, "queued", "below_the_threshold")
    if groups.share_a_domain(pair.left, pair.right):
        return Outcome(pair, "queued", "two_addresses_of_one_company")
    if groups.is_torn(pair.left, pair.right, alike) or groups.is_torn(pair.right, pair.left, alike):
        return Outcome(pair, "queued", "another_is_as_likely")
    if groups.size(pair.left) + groups.size(pair.right) > largest:
        return Outcome(pair, "queued", "too_many_for_one_person")
    return Outcome(pair, "joined", "above_the_threshold")


class _Groups:
    """Who is one person so far (disjoint sets), and what each group brings along."""

    def __init__(self, rejected: Iterable[Pair], addresses: Iterable[Pair]) -> None:
        self.leader: dict[str, str] = {}
        self.members: dict[str, set[str]] = {}
        self.domains: dict[str, set[str]] = {}
        self.apart: dict[str, set[str]] = {}
        for person, domain in addresses:
            self.domains.setdefault(person, set()).add(domain)
        for left, right in rejected:
            self.apart.setdefault(left, set()).add(right)
            self.apart.setdefault(right, set()).add(left)

    def of(self, person: str) -> str:
        leader = self.leader.get(person, person)
        return leader if leader == person else self.of(leader)

    def are_one(self, left: str, right: str) -> bool:
        return self.of(left) == self.of(right)

    def people(self, person: str) -> set[str]:
        return self.members.get(self.of(person), {person})

    def size(self, person: str) -> int:
        return len(self.people(person))

    def are_parted(self, left: str, right: str) -> bool:
        others = self.people(right)
        return any(self.apart.get(member, set()) & others for member in self.people(left))

    def share_a_domain(self, left: str, right: str) -> bool:
        return bool(self._domains(left) & self._domains(right))

    def is_torn(self, person: str, one: str, alike: dict[str, set[str]]) -> bool:
        """Whether `person` may also be somebody who cannot be `one`: then neither is taken unasked."""
        others = [other for other in alike[person] if not self.are_one(other, one)]
        return any(
            self.share_a_domain(one, other) or self.are_parted(one, other)
            for other in others
            if not self.are_parted(person, other)
        )

    def join(self, left: str, right: str) -> None:
        """Make them one, unless a person has parted some of them."""
        if self.are_one(left, right) or self.are_parted(left, right):
            return
        both = self.people(left) | self.people(right)
        first, second = sorted((self.of(left), self.of(right)))
        self.leader[second] = first
        self.members[first] = both

    def _domains(self, person: str) -> set[str]:
        return {domain for member in self.people(person) for domain in self.domains.get(member, ())}
