"""What follows from what truly happened: tiers, monthly figures, hazards, routes and consents over time.

    diary.deeds, submissions, orders, consents -> tiers, kpis, hazards, routes, consents

The definitions are those that the company wrote down in words, read by a person and written anew here, so
that they can judge the product's own reading of them.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from .behaviour import World
from .clock import DAY, local_day, midnight, month_name, utc
from .companies import Company
from .diary import Consent, Deed
from .names import DEPARTMENT_CATEGORIES
from .people import LAG_DAYS, Person

_REACTIONS = {
    "document_request", "seminar_application", "seminar_attended", "newsletter_signup", "survey_answer",
    "survey_reply", "campaign_entry", "email_clicked", "cart_add", "inquiry", "quote_request",
}  # fmt: skip
_SALES_TALKS = {"inquiry", "quote_request", "opportunity_created"}
_NAMING = {"card_exchanged", "lead_created", "recruit_entry", "order_placed"} | _REACTIONS - {"cart_add"}
_TIERS = ("latent", "apparent", "prospect", "existing", "loyal")


def _by_person(deeds: Iterable[Deed]) -> dict[str, list[Deed]]:
    found: dict[str, list[Deed]] = defaultdict(list)
    for deed in sorted(deeds):
        found[deed.person_key].append(deed)
    return found


def tiers(world: World) -> Iterator[dict[str, Any]]:
    """The periods in which each person stood on a tier; nobody falls back, nobody climbs by selling."""
    vendors = {person.key for person in world.people if person.kind == "vendor"}
    for key, deeds in sorted(_by_person(world.diary.deeds).items()):
        if key.startswith("staff"):
            continue
        climbs, orders, highest = [], 0, -1
        for deed in deeds:
            orders += deed.kind == "order_placed"
            is_pitch = key in vendors and deed.kind in _SALES_TALKS
            reached = 0 if is_pitch else _tier(deed.kind, orders)
            if reached > highest:
                climbs = [climb for climb in climbs if climb[0] < deed.moment]
                climbs.append((deed.moment, reached))
                highest = reached
        for (start, reached), (end, _) in pairwise([*climbs, (None, None)]):
            until = None if end is None else utc(end)
            yield {"person_key": key, "tier": _TIERS[reached], "valid_from": utc(start), "valid_to": until}


def _tier(kind: str, orders: int) -> int:
    if kind == "order_placed":
        return 4 if orders >= 2 else 3
    if kind in _SALES_TALKS:
        return 2
    if kind in _REACTIONS:
        return 1
    return 0 if kind in _NAMING else -1


_FORM_DEEDS = {
    "document_request", "seminar_application", "newsletter_signup", "survey_answer", "campaign_entry",
    "inquiry", "quote_request",
}  # fmt: skip


def kpis(world: World, visitors: dict[str, int]) -> Iterator[dict[str, Any]]:
    """Each month's figures: humans only, own staff left out; job-seekers and vendors are no leads."""
    people = {person.key: person for person in world.people}
    passes, leads, fresh = defaultdict(int), defaultdict(set), defaultdict(int)
    known: set[str] = set()
    for deed in sorted(world.diary.deeds):
        month = month_name(local_day(deed.moment))
        passes[month] += deed.kind in _FORM_DEEDS or deed.kind == "recruit_entry"
        if deed.kind in _FORM_DEEDS and people[deed.person_key].kind != "vendor":
            leads[month].add(deed.person_key)
            fresh[month] += deed.person_key not in known
            known.add(deed.person_key)
    deals, orders, revenue = defaultdict(int), defaultdict(int), defaultdict(int)
    for deal in world.diary.opportunities:
        deals[month_name(local_day(deal["created_at"]))] += 1
    for order in world.diary.orders:
        month = month_name(local_day(order["ordered_at"]))
        orders[month] += 1
        revenue[month] += order["amount_jpy"]
    for year, number in world.calendar.months():
        day = date(year, number, 1)
        month, seen = month_name(day), visitors.get(month_name(day), 0)
        counts = {
            "visitors": seen, "form_passes": passes[month], "leads_person": len(leads[month]),
            "leads_new": fresh[month], "opportunities": deals[month], "orders": orders[month],
            "revenue_jpy": revenue[month], "action_rate_literal": _share(passes[month], seen),
            "action_rate_person": _share(len(leads[month]), seen),
            "action_rate_new": _share(fresh[month], seen),
            "opp_rate_period": _share(deals[month], fresh[month]),
        }  # fmt: skip
        for name, value in counts.items():
            yield {"month": day, "kpi": name, "value": None if value is None else float(value)}


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


# How likely somebody who opens a deal in so many days has not yet shown it: one visit and on average 2.5
# more, each on any of the 25 days before; in 65 of 100 cases a letter on one of the last five.
_SILENCE = [
    (1 - share) * math.exp(-2.5 * share) * (1 - 0.65 * max(0.0, (5 - days) / 5))
    for days in range(1, 26)
    for share in [(25 - days) / 25]
]
_WEIGHT = (
    "quote_request", "inquiry", "price_view", "seminar_attended", "document_request", "seminar_application",
    "email_clicked", "card_exchanged", "survey_answer", "newsletter_signup", "campaign_entry",
)  # fmt: skip


def hazards(world: World) -> Iterator[dict[str, Any]]:
    """Each person's true chance of a first deal within 30 and 90 days of each month's end.

    True in the sense of the world's own dice: given the hidden wish, how soon such wishes ripen, and whether
    the visits have begun that only those make who are about to buy; not given the day itself.
    """
    ends = [min(world.calendar.last, _last_day(year, month)) for year, month in world.calendar.months()]
    opened = {deal["person_key"]: local_day(deal["created_at"]) for deal in world.diary.opportunities}
    deeds = _by_person(world.diary.deeds)
    for person in world.people:
        done = [(deed.moment, deed.kind) for deed in deeds.get(person.key, [])]
        done += [(moment, "price_view") for moment in person.decides_at]
        for end in ends:
            if end < person.named_on:
                continue
            is_over = person.key in opened and opened[person.key] <= end
            soon, late = (0.0, 0.0) if is_over or person.kind != "prospect" else _chances(person, end)
            raised_by = _strongest(done, midnight(end) + DAY) if late else None
            yield {"person_key": person.key, "month": end.replace(day=1), "hazard_30d": round(soon, 6),
                   "hazard_90d": round(late, 6), "raised_by": raised_by}  # fmt: skip


def _last_day(year: int, month: int) -> date:
    return date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)


def _chances(person: Person, end: date) -> tuple[float, float]:
    rate, mean = person.wish
    age = (end - person.named_on).days
    shown = [local_day(moment) for moment in person.decides_at if local_day(moment) <= end]
    if shown:
        left = max(1, 25 - (end - min(shown)).days)
        ahead = [_density(mean, age + days) for days in range(1, left + 1)]
        whole = sum(ahead) or 1.0
        return (sum(ahead[:30]) / whole, 1.0) if sum(ahead) else (0.0, 0.0)
    near = [_density(mean, age + days) * silence for days, silence in enumerate(_SILENCE, start=1)]
    beyond = _survival(mean, age + len(_SILENCE) + 1)
    never = (1 - rate) / rate if rate else math.inf
    whole = sum(near) + beyond + never
    within = [sum(near) + beyond - _survival(mean, age + days + 1) for days in (30, 90)]
    return within[0] / whole, within[1] / whole


def _survival(mean: float, lag: int) -> float:
    """The share of wishes that ripen on day `lag` after the naming or later."""
    return 1.0 if lag <= LAG_DAYS else math.exp(-(lag - LAG_DAYS) / mean)


def _density(mean: float, lag: int) -> float:
    return _survival(mean, lag) - _survival(mean, lag + 1)


def _strongest(done: list[tuple[int, str]], moment: int) -> str | None:
    kinds = {kind for at, kind in done if moment - 60 * DAY <= at < moment}
    return next((kind for kind in _WEIGHT if kind in kinds), None)


_ACCOUNT_TEAMS = {"製造業": "acct-manufacturing", "金融業": "acct-finance", "小売業": "acct-retail"}
_EPISODE = 90 * DAY


def routes(world: World) -> Iterator[dict[str, Any]]:
    """Who ought to have each person who asked, or who became ripe without asking, by the agreed policy.

    Three cuts side by side (product, account, area). In this order: advice on security needs the licensed
    team; a price the product's specialists; who belongs to a company that has bought, its account team (who
    asks, only if that team has noted a talk with the person or the department within a year); a
    question about a product, that product's team; else the account team, the office nearby, inside sales. A
    question within ninety days of the one before belongs to the hand-over that is under way.
    """
    bought, talks = _first_orders(world), _talks(world)
    deals = {deal["person_key"]: deal["created_at"] for deal in world.diary.opportunities}
    for person in world.people:
        if person.kind in {"jobseeker", "vendor"}:
            continue
        asked = [passed for passed in person.passes if passed.kind in {"inquiry", "quote"}]
        asked.sort(key=lambda passed: passed.moment)
        opening = [
            passed
            for before, passed in pairwise([None, *asked])
            if before is None or passed.moment - before.moment > _EPISODE
        ]
        if opening:
            last = opening[-1]
            owner = _owner(person, last.kind, last.product, last.moment, bought, talks)
            yield _route(person, owner, last.moment, "asked")
        elif person.key in deals:
            due = deals[person.key]
            yield _route(person, _owner(person, "", person.product, due, bought, talks), due, "ripe")


def _route(person: Person, owner: str, due: int, reason: str) -> dict[str, Any]:
    return {"person_key": person.key, "right_owner": owner, "due_at": utc(due), "reason": reason}


def _owner(
    person: Person,
    asked: str,
    product: str,
    moment: int,
    bought: dict[str, int],
    talks: dict[tuple, list[int]],
) -> str:
    """The unit for a question ('inquiry', 'quote') or, with '', for a ripe person who has not asked."""
    company = person.job_on(local_day(moment)).company
    team = _ACCOUNT_TEAMS.get(company.industry) if company else None
    is_customer = company is not None and bought.get(_house(company), moment) < moment
    if product == "security":
        return "prod-security"
    if asked == "quote":
        return f"prod-{product}"
    if is_customer and team and (not asked or _knows(team, person, moment, talks)):
        return team
    if product:
        return f"prod-{product}"
    return team or (f"area-{company.prefecture.sales_area}" if company else "inside-sales")


def _knows(team: str, person: Person, moment: int, talks: dict[tuple, list[int]]) -> bool:
    """Whether the team has noted a talk with the person or the department in the year before."""
    job = person.job_on(local_day(moment))
    category = DEPARTMENT_CATEGORIES.get(job.department)
    near = talks.get((team, person.key), [])
    if category and job.company:
        near = near + talks.get((team, _house(job.company), category), [])
    return any(moment - 365 * DAY <= at < moment for at in near)


def _talks(world: World) -> dict[tuple, list[int]]:
    """(unit, person) and (unit, company, department category) -> when sales noted a call, visit or mail."""
    units = {row["owner_id"]: row["unit_id"] for _, row in world.diary.sales.get("owners", [])}
    people = {f"L{person.key[1:]}": person for person in world.people}
    found: dict[tuple, list[int]] = defaultdict(list)
    for moment, row in world.diary.sales.get("activities", []):
        if row["activity_type"] in {"call", "visit", "mail"}:
            unit, person = units[row["owner_id"]], people[row["lead_id"]]
            job = person.job_on(local_day(moment))
            found[unit, person.key].append(moment)
            if job.company is not None:
                category = DEPARTMENT_CATEGORIES.get(job.department)
                found[unit, _house(job.company), category].append(moment)
    return found


def _house(company: Company) -> str:
    return company.merged_into or company.key


def _first_orders(world: World) -> dict[str, int]:
    people, first = {person.key: person for person in world.people}, {}
    for order in world.diary.orders:
        company = people[order["person_key"]].job_on(local_day(order["ordered_at"])).company
        if company is not None:
            place = _house(company)
            first[place] = min(order["ordered_at"], first.get(place, order["ordered_at"]))
    return first


def consents(world: World) -> Iterator[dict[str, Any]]:
    """What each person allowed and refused, by address and channel, from when to when.

    A word of one's own outweighs a card that was handed over, whenever; among words the last one counts.
    """
    inside = [one for one in world.diary.consents if world.calendar.holds(one.moment)]
    inside.sort(key=lambda one: (one.moment, one.person_key, one.address, one.channel, one.basis, one.status))
    holding: dict[tuple[str, str, str], list[Consent]] = defaultdict(list)
    for one in inside:
        before = holding[one.person_key, one.address, one.channel]
        if not (before and one.basis == "business_card" and before[-1].basis != "business_card"):
            before.append(one)
    for _, decisions in sorted(holding.items()):
        for one, later in pairwise([*decisions, None]):
            yield {
                "person_key": one.person_key, "email": one.address or None, "address": one.address or None,
                "channel": one.channel, "status": one.status, "basis": one.basis,
                "occurred_at": utc(one.moment), "valid_from": utc(one.moment),
                "valid_to": utc(later.moment) if later else None, "trouble": one.trouble,
            }  # fmt: skip
