"""Explain people: why identifiers are one person, why two are not, and why a lead went where it went.

It reads the published file only, as `explain` does: links with rule, confidence, time, and the file and line
of the first record that says so.
"""

from __future__ import annotations

from orchestration.explain import find_person
from orchestration.explain_links import (
    Link,
    at_line,
    identifiers_of,
    links_of,
    published,
    refusal_lines,
    refusals_of,
    shown,
)
from orchestration.home import Home

BROWSERS = """
select
    links.visitor_id, links.identifier, rules.name_en, links.first_claimed_at,
    links.refused_because, links.link_id
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
EMPLOYMENTS = """
select
    employments.company_name, employments.department, employments.position, employments.valid_from,
    employments.valid_to, employments.ended_because, employments.source, origins.source_file,
    origins.line_number
from identity.dim_employments as employments
left join raw_intake.origins as origins on employments.evidence_row_key = origins.row_key
where employments.person_id = ?
order by employments.valid_from, employments.company_name nulls last, employments.department nulls last
"""
ATTRIBUTES = """
select
    attributes.attribute, attributes.attribute_value, attributes.source, attributes.trust_class,
    attributes.verified_at, verdicts.name_en, attributes.is_stale, origins.source_file, origins.line_number
from identity.person_attributes as attributes
left join identity.attribute_verdicts as verdicts on attributes.verdict = verdicts.verdict
left join raw_intake.origins as origins on attributes.evidence_row_key = origins.row_key
where attributes.person_id = ?
order by attributes.attribute, attributes.is_winner desc, attributes.last_seen_at desc,
    attributes.attribute_value, attributes.source
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


def explain_person(home: Home, person: str, *, zone: str) -> list[str]:
    """The tree of links that makes a person, the browsers that are hers for a time, and what was refused.

    Args:
        person: a person_id or an e-mail address.
        zone: in which times are written.

    Raises:
        Trouble: nothing is published, or nobody is known by that id or address.
    """
    with published(home) as connection:
        person_id = find_person(connection, person)
        identifiers = identifiers_of(connection, person_id)
        links = links_of(connection, person_id, zone)
        browsers, spans, employments, attributes = (
            connection.execute(query, [person_id]).fetchall()
            for query in (BROWSERS, SPANS, EMPLOYMENTS, ATTRIBUTES)
        )
        refusals = refusals_of(connection, identifiers)
    lines = [
        f"person {person_id}: {len(identifiers)} identifiers, {len(links)} links, {len(spans)} browser spans"
    ]
    lines += _tree(identifiers, links)
    lines += [_browser_line(browser, zone) for browser in browsers]
    lines += [_span_line(span, zone) for span in spans]
    lines += [_employment_line(employment, zone) for employment in employments]
    lines += [_attribute_line(attribute, zone) for attribute in attributes]
    return lines + refusal_lines(refusals)


def explain_route(home: Home, person: str, *, zone: str) -> list[str]:
    """Who got a lead, by which rule, agreed by whom, and how far the hand-over is.

    Raises:
        Trouble: nothing is published, or nobody is known by that id or address.
    """
    with published(home) as connection:
        person_id = find_person(connection, person)
        routes = connection.execute(ROUTE, [person_id]).fetchall()
    if not routes:
        return [f"person {person_id} is not routed: nobody asked, and no rule's score band is reached"]
    return [line for route in routes for line in _route_lines(person_id, route, zone)]


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


def _browser_line(browser: tuple, zone: str) -> str:
    visitor, identifier, rule, at, refused_because, link_id = browser
    verdict = f"; refused: {refused_because}" if refused_because else ""
    return f"browser {visitor} said {identifier} by {rule} at {shown(at, zone)}{verdict}; link {link_id}"


def _span_line(span: tuple, zone: str) -> str:
    visitor, begins, ends, confidence, claimed_at, file, line = span
    since = _since(begins, zone)
    until = "on" if ends.year == FOR_EVER else f"to {shown(ends, zone)}"
    place = _place(file, line)
    known = f"known at {shown(claimed_at, zone)} ({confidence})"
    return f"browser {visitor} is hers from {since} {until}, {known}{place}"


def _employment_line(employment: tuple, zone: str) -> str:
    company, department, position, begins, ends, because, source, file, line = employment
    desk = (
        " ".join(part for part in (company, department, position) if part) or "a company known by its address"
    )
    until = f"to {shown(ends, zone)} ({because})" if ends else "on"
    return f"employment {desk} from {_since(begins, zone)} {until}, said by {source}{_place(file, line)}"


def _attribute_line(attribute: tuple, zone: str) -> str:
    name, value, source, trust_class, verified_at, verdict, is_stale, file, line = attribute
    stale = "; stale" if is_stale else ""
    return (
        f"attribute {name} = {value}: {verdict}; {source} ({trust_class}), "
        f"verified {shown(verified_at, zone)}{_place(file, line)}{stale}"
    )


def _since(at: object, zone: str) -> str:
    return "the beginning" if at.year == 1900 else shown(at, zone)


def _place(file: str | None, line: int | None) -> str:
    return f" at {at_line(file, line)}" if file else ""


def _route_lines(person_id: str, route: tuple, zone: str) -> list[str]:
    route_id, routed_at, trigger, rule_id, rule, why, agreed_by, agreed_on = route[:8]
    structure, unit, unit_name, informed, state = route[8:]
    cause = trigger or "the score"
    return [
        f"person {person_id} was routed at {shown(routed_at, zone)} because of {cause}; route {route_id}",
        f"   accountable: {unit} ({unit_name}); informed: {informed or 'nobody'}; structure {structure}",
        f"   rule {rule_id} ({rule}): {why}; agreed by {agreed_by} on {agreed_on}",
        f"   the hand-over is now: {state}",
    ]
