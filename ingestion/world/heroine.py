"""佐藤 美咲, the person whom the documentation follows.

Her story is the articles' example: a card at an exhibition, then a document downloaded from the site, then a
case study read, in this order and with nothing between; later sales speaks with her and an opportunity opens.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

from .behaviour import Visit, World, pass_form, view
from .clock import iso_time, midnight, next_workday
from .diary import Visitor
from .dice import Dice
from .people import HEROINE, Device, Employment, usual_unit

DOCUMENT = "/download/analytics-guide"
CASE = "/case/factory-visualisation"
_SEARCH = "https://www.google.com/"


def cast(world: World) -> None:
    """Give the first person's place to her, when there is an exhibition at which to meet her."""
    if not world.campaigns.exhibitions:
        return
    person = world.people[0]
    company = next(firm for firm in world.companies if firm.is_spared)
    shows = world.campaigns.exhibitions
    show = ([one for one in shows if (world.calendar.last - one.opens_on).days >= 60] or shows[:1])[-1]
    email = f"misaki.sato@{company.domain}"
    job = Employment(date.min, company, "経営企画室", "課長", email, company.phone)
    agent = person.devices[0].user_agent
    cookie = "v" + Dice(world.seed, "heroine").token(15)
    met = show.opens_on + timedelta(days=1)
    heroine = replace(
        person,
        kind="prospect",
        origin="card",
        surname=HEROINE[0],
        given=HEROINE[1],
        surname_kana="サトウ",
        given_kana="ミサキ",
        employments=[job],
        product="analytics",
        solution="production",
        knowledge=1,
        need=0.9,
        named_on=met,
        exhibition=show,
        wish=(1.0, 38.0),
        has_proxy=False,
        address_is_dead=False,
        meets_kiosk=False,
        is_under_pressure=False,
        troubles=[],
        decides_at=[],
        borrowed=[],
        passes=[],
        permissions=[],
        devices=[Device(company.office_address, agent, False, [cookie], [])],
        is_heroine=True,
    )
    read = next_workday(met + timedelta(days=12))
    wait = min(38, max(4, (world.calendar.last - read).days // 2))
    heroine.wants_on = next_workday(read + timedelta(days=wait))
    heroine.usual_unit = usual_unit(heroine)
    world.people[0] = heroine


def live_heroine(world: World) -> None:
    """Her two visits; newsletters reach her only after the second."""
    heroine = world.people[0]
    if not heroine.is_heroine:
        return
    downloads, reads = _moments(heroine.named_on)
    device, dice = heroine.devices[0], Dice(world.seed, "heroine visits")
    visitor = Visitor(device.address, device.cookies[0], device.user_agent, heroine.key, kind="prospect")
    world.diary.tied.add(visitor.cookie)
    visit = Visit(downloads, "learn", 1, form="download")
    pass_form(world, heroine, visitor, visit, downloads, _SEARCH, "", dice, DOCUMENT)
    view(world, visitor, reads, CASE, _SEARCH, dice, with_assets=False)
    heroine.permissions = [(reads + 86_400, True)]


def _moments(met: date) -> tuple[int, int]:
    downloads = next_workday(met + timedelta(days=6))
    reads = next_workday(met + timedelta(days=12))
    return midnight(downloads) + 10 * 3600 + 24 * 60, midnight(reads) + 14 * 3600 + 5 * 60


def story(world: World, right_owner: str | None) -> dict[str, Any] | None:
    """Her place in the world, for documentation and tests; None in a world too short for an exhibition."""
    heroine = world.people[0]
    if not heroine.is_heroine:
        return None
    downloads, reads = _moments(heroine.named_on)
    return {
        "person_key": heroine.key,
        "name": heroine.name,
        "email": heroine.employments[0].email,
        "company": heroine.employments[0].company.name,
        "visitor_id": heroine.devices[0].cookies[0],
        "right_owner": right_owner,
        "card": {"list": heroine.exhibition.campaign_id, "collected_on": heroine.named_on.isoformat()},
        "download": {"page": DOCUMENT, "seen_at": iso_time(downloads)},
        "case_study": {"page": CASE, "seen_at": iso_time(reads)},
        "opportunity_on": heroine.wants_on.isoformat(),
    }
