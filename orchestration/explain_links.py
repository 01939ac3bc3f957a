"""Explain links: the path of claims between two identifiers, or what keeps them apart.

It reads the published file only: accepted links, the browsers that made themselves known, and refused claims,
each with its rule, time, file and line.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import duckdb

from orchestration.home import Home
from orchestration.trouble import Trouble

LINKS = """
select
    links.left_identifier, links.right_identifier, rules.name_en, rules.why, links.confidence,
    links.first_claimed_at, links.claim_count, links.link_id, origins.source_file, origins.line_number
from identity.identity_links as links
left join identity.identity_rules as rules on links.rule_id = rules.rule_id
left join raw_intake.origins as origins on links.evidence_row_key = origins.row_key
where links.person_id = ?
order by links.first_claimed_at, links.left_identifier, links.right_identifier, links.rule_id
"""
BROWSERS = """
select
    'visitor:' || links.visitor_id, links.identifier, rules.name_en, rules.why, links.confidence,
    links.first_claimed_at, links.claim_count, links.link_id, origins.source_file, origins.line_number
from identity.visitor_links as links
left join identity.identity_rules as rules on links.rule_id = rules.rule_id
left join raw_intake.origins as origins on links.evidence_row_key = origins.row_key
where links.person_id = ? and not links.is_rejected
order by links.first_claimed_at, links.visitor_id, links.identifier, links.rule_id
"""
REFUSALS = """
select refusals.left_identifier, refusals.right_identifier, refusals.reason,
    origins.source_file, origins.line_number
from (
    select left_identifier, right_identifier, reason, evidence_row_key from identity.identity_refusals
    union all
    select 'visitor:' || visitor_id, identifier, refused_because, evidence_row_key
    from identity.visitor_links where is_rejected
) as refusals
left join raw_intake.origins as origins on refusals.evidence_row_key = origins.row_key
where refusals.left_identifier in (select unnest(?)) or refusals.right_identifier in (select unnest(?))
order by refusals.left_identifier, refusals.right_identifier, refusals.reason
"""
IDENTIFIERS = """
select identifier from identity.person_identifiers where person_id = ? order by first_seen_at, identifier
"""
PEOPLE_OF_BROWSER = """
select person_id from identity.visitor_links where visitor_id = ?
order by is_rejected, first_claimed_at, person_id
"""
JOINING_RULES = """
select left_kind, right_kind, name_en, rule_id from identity.identity_rules order by step, rule_id
"""


@dataclass(frozen=True)
class Link:
    """One accepted link: two identifiers, the rule that joins them, and where it was first said."""

    left: str
    right: str
    rule: str
    why: str
    confidence: float
    first_claimed_at: str
    claim_count: int
    link_id: str
    origin: str

    def other(self, identifier: str) -> str:
        return self.right if identifier == self.left else self.left

    def line(self, told_from: str) -> str:
        """The link as seen from one of its ends."""
        said = (
            f"{self.claim_count} record{'s' if self.claim_count > 1 else ''}, first {self.first_claimed_at}"
        )
        place = f" at {self.origin}" if self.origin else ""
        return (
            f"{self.other(told_from)}  by {self.rule} ({self.confidence}); {said}{place}; link {self.link_id}"
        )


def explain_link(home: Home, left: str, right: str, *, zone: str) -> list[str]:
    """The path of links between two identifiers, or why there is none.

    Args:
        left, right: identifiers such as `email:a@b.example`, bare e-mail addresses, or browsers (`visitor:ID`
            or the bare cookie).
        zone: in which times are written.

    Raises:
        Trouble: nothing is published, or one of them was never seen.
    """
    with published(home) as connection:
        ends = [_identifier(connection, text) for text in (left, right)]
        people = [_people_of(connection, identifier) for identifier in ends]
        for person in people[0]:
            if person in people[1]:
                every = [*links_of(connection, person, zone), *links_of(connection, person, zone, BROWSERS)]
                steps = _path(*ends, every)
                if steps is not None:
                    return steps
        return _apart(connection, ends, [one[0] for one in people])


@contextmanager
def published(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    """The published file, read only.

    Raises:
        Trouble: nothing is published yet.
    """
    if not home.published.exists():
        raise Trouble(f"nothing is published in {home.serving} yet: run `ikusei run` first")
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        yield connection


def identifiers_of(connection: duckdb.DuckDBPyConnection, person_id: str) -> list[str]:
    """A person's identifiers, the first that was seen first."""
    return [row[0] for row in connection.execute(IDENTIFIERS, [person_id]).fetchall()]


def links_of(
    connection: duckdb.DuckDBPyConnection, person_id: str, zone: str, query: str = LINKS
) -> list[Link]:
    """A person's accepted links (or, with BROWSERS, those of the browsers that spoke for the person)."""
    return [
        Link(left, right, rule, why, float(confidence), shown(at, zone), count, link_id, at_line(file, line))
        for left, right, rule, why, confidence, at, count, link_id, file, line in connection.execute(
            query, [person_id]
        ).fetchall()
    ]


def refusals_of(connection: duckdb.DuckDBPyConnection, identifiers: Iterable[str]) -> list[tuple]:
    """Refused claims (left, right, reason, file, line) that touch one of the identifiers."""
    wanted = list(identifiers)
    return connection.execute(REFUSALS, [wanted, wanted]).fetchall()


def refusal_lines(refusals: Iterable[tuple]) -> list[str]:
    """Refused claims in words."""
    return [
        f"refused: {left} - {right}: {reason}{_placed(file, line)}"
        for left, right, reason, file, line in refusals
    ]


def shown(at: object, zone: str) -> str:
    """A time in the zone, to the minute."""
    return (
        f"{at.replace(tzinfo=ZoneInfo('UTC')).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if at else "no date"
    )


def at_line(file: str | None, line: int | None) -> str:
    """`file:line`, or nothing where the file is not known."""
    return f"{file}:{line}" if file else ""


def _placed(file: str | None, line: int | None) -> str:
    return f" at {at_line(file, line)}" if file else ""


def _path(start: str, end: str, links: list[Link]) -> list[str] | None:
    """The shortest path, one link a line; None where there is none."""
    before: dict[str, tuple[str, Link]] = {}
    waiting, seen = deque([start]), {start}
    while waiting and end not in before:
        here = waiting.popleft()
        for link in links:
            if here in (link.left, link.right) and link.other(here) not in seen:
                seen.add(link.other(here))
                before[link.other(here)] = (here, link)
                waiting.append(link.other(here))
    if end != start and end not in before:
        return None
    steps: list[str] = []
    here = end
    while here != start:
        here, link = before[here]
        steps.append(f"   -> {link.line(here)}: {link.why}")
    return [start, *reversed(steps)]


def _apart(connection: duckdb.DuckDBPyConnection, ends: list[str], people: list[str]) -> list[str]:
    """What keeps two identifiers apart: refused claims, else the rules that no record fulfils."""
    first = f"{ends[0]} is person {people[0]}, {ends[1]} is person {people[1]}: no accepted link joins them"
    sides = [
        set(identifiers_of(connection, person)) | {end} for person, end in zip(people, ends, strict=True)
    ]
    refusals = [refusals_of(connection, side) for side in sides]
    between = [refusal for refusal in refusals[0] if set(refusal[:2]) & sides[1]]
    if between:
        return [first, *refusal_lines(between)]
    reached = [_reached(refused, side) for refused, side in zip(refusals, sides, strict=True)]
    shared = [
        refusal
        for refused, others in ((refusals[0], reached[1]), (refusals[1], reached[0]))
        for refusal in refused
        if set(refusal[:2]) & others
    ]
    if shared:
        return [first, "both were told of with what joins nobody:", *refusal_lines(shared)]
    return [first, "and no record ever claimed that they are one", *_rules_lacking(connection, sides)]


def _reached(refusals: list[tuple], side: set[str]) -> set[str]:
    """What the refused claims of one side lead to."""
    return {end for refusal in refusals for end in refusal[:2] if end not in side}


def _rules_lacking(connection: duckdb.DuckDBPyConnection, sides: list[set[str]]) -> list[str]:
    """The rules that would join the two sides, if one record held what they ask for."""
    kinds = [{identifier.split(":", 1)[0] for identifier in side} for side in sides]
    return [
        f"lacking: {rule} ({rule_id}) wants one record with a {left} of the one and a {right} of the other"
        for left, right, rule, rule_id in connection.execute(JOINING_RULES).fetchall()
        if (left in kinds[0] and right in kinds[1]) or (left in kinds[1] and right in kinds[0])
    ]


def _identifier(connection: duckdb.DuckDBPyConnection, text: str) -> str:
    plain = text.strip()
    if "@" in plain and ":" not in plain:
        return f"email:{plain.lower()}"
    if ":" not in plain and connection.execute(PEOPLE_OF_BROWSER, [plain]).fetchone():
        return f"visitor:{plain}"
    return plain


def _people_of(connection: duckdb.DuckDBPyConnection, identifier: str) -> list[str]:
    """Whose an identifier is; a shared browser is several people's."""
    if identifier.startswith("visitor:"):
        query, value = PEOPLE_OF_BROWSER, identifier.removeprefix("visitor:")
    else:
        query, value = (
            "select person_id from identity.person_identifiers where identifier = ?",
            identifier,
        )
    people = list(dict.fromkeys(row[0] for row in connection.execute(query, [value]).fetchall()))
    if not people:
        raise Trouble(
            "one of these identifiers was never seen: write it as `ikusei explain person` shows it, "
            "or as an e-mail address"
        )
    return people
