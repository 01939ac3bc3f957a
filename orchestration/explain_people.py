"""Explain people: why identifiers are one person, why two are not, and why a lead went where it went.

It reads the published file only, as `explain` does: links with rule, confidence, time, and the file and line
of the first record that says so.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from zoneinfo import ZoneInfo

import duckdb

from orchestration.explain import find_person
from orchestration.home import Home
from orchestration.trouble import Trouble

LINKS = """
select
    links.left_identifier,
    links.right_identifier,
    rules.name_en,
    rules.why,
    links.confidence,
    links.first_claimed_at,
    links.claim_count,
    links.link_id,
    origins.source_file,
    origins.line_number
from identity.identity_links as links
left join identity.identity_rules as rules on links.rule_id = rules.rule_id
left join raw_intake.origins as origins on links.evidence_row_key = origins.row_key
where links.person_id = ?
order by links.first_claimed_at, links.left_identifier, links.right_identifier, links.rule_id
"""
BROWSERS = """
select
    links.visitor_id, links.identifier, rules.name_en, links.first_claimed_at,
    links.is_rejected, links.link_id
from identity.visitor_links as links
left join identity.identity_rules as rules on links.rule_id = rules.rule_id
where links.person_id = ?
order by links.first_claimed_at, links.link_id
"""
SPANS = """
select
    spans.visitor_id, spans.span_from, spans.span_to, spans.confidence, spans.first_claimed_at,
    origins.source_file, origins.line_number
from identity.visitor_spans as spans
left join raw_intake.origins as origins on spans.evidence_row_key = origins.row_key
where spans.person_id = ?
order by spans.first_claimed_at, spans.visitor_id
"""
REFUSALS = """
select
    refusals.left_identifier, refusals.right_identifier, refusals.reason,
    origins.source_file, origins.line_number
from identity.identity_refusals as refusals
left join raw_intake.origins as origins on refusals.evidence_row_key = origins.row_key
where refusals.left_identifier in (select unnest(?)) or refusals.right_identifier in (select unnest(?))
order by refusals.left_identifier, refusals.right_identifier, refusals.reason
"""
ROUTE = """
select
    routes.route_id, routes.routed_at, routes.trigger_touch_type, routes.rule_id, rules.name_en, routes.why,
    rules.agreed_by, rules.agreed_on, routes.structure_id, routes.owner_unit_id, units.name_en,
    routes.informed_unit_ids, handoffs.state
from routing.fct_lead_routes as routes
left join routing.routing_rules as rules on routes.rule_id = rules.rule_id
left join routing.sales_units as units on routes.owner_unit_id = units.unit_id
left join routing.fct_handoffs as handoffs on routes.route_id = handoffs.route_id
where routes.person_id = ?
"""
FOR_EVER = 9999


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


def explain_person(home: Home, person: str, *, zone: str) -> list[str]:
    """The tree of links that makes a person, the browsers that are hers for a time, and what was refused.

    Args:
        person: a person_id or an e-mail address.
        zone: in which times are written.

    Raises:
        Trouble: nothing is published, or nobody is known by that id or address.
    """
    with _published(home) as connection:
        person_id = find_person(connection, person)
        identifiers = [
            row[0]
            for row in connection.execute(
                "select identifier from identity.person_identifiers where person_id = ? "
                "order by first_seen_at, identifier",
                [person_id],
            ).fetchall()
        ]
        links = _links(connection, person_id, zone)
        browsers = connection.execute(BROWSERS, [person_id]).fetchall()
        spans = connection.execute(SPANS, [person_id]).fetchall()
        refusals = connection.execute(REFUSALS, [identifiers, identifiers]).fetchall()
    lines = [
        f"person {person_id}: {len(identifiers)} identifiers, {len(links)} links, {len(spans)} browser spans"
    ]
    lines += _tree(identifiers, links)
    lines += [_browser_line(browser, zone) for browser in browsers]
    lines += [_span_line(span, zone) for span in spans]
    return lines + _refusal_lines(refusals)


def explain_link(home: Home, left: str, right: str, *, zone: str) -> list[str]:
    """The path of links between two identifiers, or why there is none.

    Args:
        left, right: identifiers such as `email:a@b.example`, or bare e-mail addresses.
        zone: in which times are written.

    Raises:
        Trouble: nothing is published, or one of them was never seen.
    """
    ends = [_identifier(text) for text in (left, right)]
    with _published(home) as connection:
        people = [_person_of(connection, identifier) for identifier in ends]
        if people[0] == people[1]:
            return _path_lines(*ends, _links(connection, people[0], zone))
        refusals = connection.execute(REFUSALS, [ends, ends]).fetchall()
    lines = [f"{ends[0]} is person {people[0]}, {ends[1]} is person {people[1]}: no accepted link joins them"]
    lines += _refusal_lines(refusals)
    return lines if refusals else [*lines, "and no record ever claimed that they are one"]


def explain_route(home: Home, person: str, *, zone: str) -> list[str]:
    """Who got a lead, by which rule, agreed by whom, and how far the hand-over is.

    Raises:
        Trouble: nothing is published, or nobody is known by that id or address.
    """
    with _published(home) as connection:
        person_id = find_person(connection, person)
        routes = connection.execute(ROUTE, [person_id]).fetchall()
    if not routes:
        return [f"person {person_id} is not routed: nobody asked, and no rule's score band is reached"]
    return [line for route in routes for line in _route_lines(person_id, route, zone)]


@contextmanager
def _published(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    if not home.published.exists():
        raise Trouble(f"nothing is published in {home.serving} yet: run `ikusei run` first")
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        yield connection


def _links(connection: duckdb.DuckDBPyConnection, person_id: str, zone: str) -> list[Link]:
    return [
        Link(left, right, rule, why, float(confidence), _shown(at, zone), count, link_id, _at(file, line)[4:])
        for left, right, rule, why, confidence, at, count, link_id, file, line in connection.execute(
            LINKS, [person_id]
        ).fetchall()
    ]


def _tree(identifiers: list[str], links: list[Link]) -> list[str]:
    """Each identifier once, below the one it was reached from, beginning with the first that was seen."""
    lines, reached = [], set()
    for root in identifiers:
        if root in reached:
            continue
        reached.add(root)
        lines.append(root)
        _grow(root, 1, links, reached, lines)
    return lines


def _grow(root: str, depth: int, links: list[Link], reached: set[str], lines: list[str]) -> None:
    for link in links:
        if root in (link.left, link.right) and link.other(root) not in reached:
            reached.add(link.other(root))
            lines.append("   " * depth + "+- " + link.line(root))
            _grow(link.other(root), depth + 1, links, reached, lines)


def _path_lines(start: str, end: str, links: list[Link]) -> list[str]:
    """The shortest path, one link a line."""
    before: dict[str, tuple[str, Link]] = {}
    waiting, seen = deque([start]), {start}
    while waiting and end not in before:
        here = waiting.popleft()
        for link in links:
            if here in (link.left, link.right) and link.other(here) not in seen:
                seen.add(link.other(here))
                before[link.other(here)] = (here, link)
                waiting.append(link.other(here))
    steps: list[str] = []
    here = end
    while here != start:
        here, link = before[here]
        steps.append(f"   -> {link.line(here)}: {link.why}")
    return [start, *reversed(steps)]


def _refusal_lines(refusals: list[tuple]) -> list[str]:
    return [
        f"refused: {left} - {right}: {reason}{_at(file, line)}"
        for left, right, reason, file, line in refusals
    ]


def _browser_line(browser: tuple, zone: str) -> str:
    visitor, identifier, rule, at, is_rejected, link_id = browser
    verdict = "; rejected" if is_rejected else ""
    return f"browser {visitor} said {identifier} by {rule} at {_shown(at, zone)}{verdict}; link {link_id}"


def _span_line(span: tuple, zone: str) -> str:
    visitor, begins, ends, confidence, claimed_at, file, line = span
    since = "the beginning" if begins.year == 1900 else _shown(begins, zone)
    until = "on" if ends.year == FOR_EVER else f"to {_shown(ends, zone)}"
    place = _at(file, line)
    known = f"known at {_shown(claimed_at, zone)} ({confidence})"
    return f"browser {visitor} is hers from {since} {until}, {known}{place}"


def _route_lines(person_id: str, route: tuple, zone: str) -> list[str]:
    route_id, routed_at, trigger, rule_id, rule, why, agreed_by, agreed_on = route[:8]
    structure, unit, unit_name, informed, state = route[8:]
    cause = trigger or "the score"
    return [
        f"person {person_id} was routed at {_shown(routed_at, zone)} because of {cause}; route {route_id}",
        f"   accountable: {unit} ({unit_name}); informed: {informed or 'nobody'}; structure {structure}",
        f"   rule {rule_id} ({rule}): {why}; agreed by {agreed_by} on {agreed_on}",
        f"   the hand-over is now: {state}",
    ]


def _identifier(text: str) -> str:
    return f"email:{text.strip().lower()}" if "@" in text and ":" not in text else text.strip()


def _person_of(connection: duckdb.DuckDBPyConnection, identifier: str) -> str:
    found = connection.execute(
        "select person_id from identity.person_identifiers where identifier = ?", [identifier]
    ).fetchone()
    if found is None:
        raise Trouble(
            "one of these identifiers was never seen: write it as `ikusei explain person` shows it, "
            "or as an e-mail address"
        )
    return found[0]


def _shown(at: object, zone: str) -> str:
    return (
        f"{at.replace(tzinfo=ZoneInfo('UTC')).astimezone(ZoneInfo(zone)):%Y-%m-%d %H:%M}" if at else "no date"
    )


def _at(file: str | None, line: int | None) -> str:
    return f" at {file}:{line}" if file else ""
