"""What happens off the site: cards at exhibitions, leads given to sales, calls, opportunities and orders."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from .behaviour import World, note_order, written
from .campaigns import Exhibition
from .clock import DAY, iso_time, local_day, midnight, next_workday, sales_moment
from .companies import Company
from .diary import Card, Consent, Identifier
from .dice import Dice, Wheel
from .names import words
from .people import Person

UNITS = (
    "area-east", "area-kanto", "area-chubu", "area-kinki", "area-west", "acct-manufacturing", "acct-finance",
    "acct-retail", "sol-sales", "sol-production", "sol-finance", "prod-analytics", "prod-crm", "prod-erp",
    "prod-security", "inside-sales",
)  # fmt: skip
_PRICES = {"analytics": 1_200_000, "crm": 900_000, "erp": 3_200_000, "security": 800_000}
_OUTCOMES = Wheel({"通話": 45, "不在": 25, "折返し待ち": 15, "担当変更": 3, "見送り": 12})
_KINDS = Wheel({"call": 50, "mail": 28, "visit": 12, "dm": 5, "fax": 3, "complaint": 2})
_SUBJECTS = {
    "call": "フォロー電話",
    "mail": "個別メール",
    "visit": "訪問打合せ",
    "dm": "DM送付",
    "fax": "FAX送付",
    "complaint": "クレーム",
}


@dataclass(frozen=True)
class Handover:
    """A person given to sales: when, out of which source and campaign, about which product."""

    moment: int
    source: str
    campaign_id: str
    product: str


@dataclass
class Deal:
    """One person's lead in the CRM while it is being worked."""

    world: World
    person: Person
    lead_id: str
    owner_id: str
    handover: Handover
    particulars: dict[str, Any]
    dice: Dice
    is_silent: bool  # the rep notes nothing down


def exchange_cards(world: World) -> None:
    """Everybody who came by an exhibition is on its list; so are movers and some known people, later on."""
    for person in world.people:
        if person.exhibition is not None:
            _card(world, person, person.exhibition, person.named_on, first=True)
        dice = Dice(world.seed, "second card", person.key)
        later = [show for show in world.campaigns.exhibitions if show.opens_on > person.named_on]
        moved = [
            show
            for show in later
            if len(person.employments) > 1 and show.opens_on >= person.employments[1].since
        ]
        if moved:
            _card(world, person, moved[0], moved[0].opens_on, first=False)
        elif later and person.kind == "prospect" and not person.is_heroine and dice.chance(0.06):
            show = dice.pick(later)
            _card(world, person, show, dice.pick(show.days()), first=False)


def _card(world: World, person: Person, show: Exhibition, day: date, *, first: bool) -> None:
    subject = (person.key, day)
    has_mail = person.is_heroine or not world.befalls("missing_address", *subject)
    twice = not person.is_heroine and world.befalls("card_twice", *subject)
    world.diary.deed(midnight(day), person.key, "card_exchanged")
    if not has_mail:
        person.struck_by("missing_address")
    for copy in range(2 if twice else 1):
        row, odd = _card_row(world, person, day, copy, has_mail)
        trouble = "missing_address" if not has_mail else "card_twice" if copy else odd
        trouble = trouble or person.job_on(day).trouble
        world.diary.cards.append(Card(show.campaign_id, day, row, person.key, trouble))
    _may_be_addressed(world, person, show, day, has_mail=has_mail, first=first)


def _card_row(
    world: World, person: Person, day: date, copy: int, has_mail: bool
) -> tuple[dict[str, str], str | None]:
    row, odd = written(world, person, midnight(day) + copy)
    job, company = person.job_on(day), person.job_on(day).company
    dice = Dice(world.seed, "card", person.key, day)
    surname = row["name"].replace("　", " ").removesuffix(person.given).strip()
    return {
        **row,
        "surname": surname,
        "given": person.given,
        "surname_kana": person.surname_kana,
        "given_kana": person.given_kana,
        "email": job.email if has_mail else "",
        "mobile": person.mobile if dice.chance(0.6) else "",
        "postal_code": company.postal_code if company else "",
        "address": company.address if company else "",
        "url": f"https://www.{company.domain}/" if company and dice.chance(0.5) else "",
    }, odd


def _may_be_addressed(
    world: World, person: Person, show: Exhibition, day: date, *, has_mail: bool, first: bool
) -> None:
    """A handed card allows mail and calls until they say no; mails begin a week later."""
    moment, address = midnight(day), person.job_on(day).email if has_mail else ""
    for channel in ("email", "phone") if has_mail else ("phone",):
        world.diary.consents.append(Consent(moment, person.key, address, channel, "granted", "business_card"))
    ready = midnight(next_workday(show.opens_on + timedelta(days=8)))
    if has_mail and (first or person.job_on(day) is not person.employments[0]):
        person.permissions.append((ready, True))


def work(world: World) -> None:
    """Owners first, then every person given to sales, to the end of their story."""
    owners = _hire(world)
    for person in world.people:
        handover = _handover(world, person)
        if handover is not None and world.calendar.holds(handover.moment):
            _work_lead(world, person, handover, owners)


def _hire(world: World) -> dict[str, list[str]]:
    """One or two owners for each sales unit."""
    owners: dict[str, list[str]] = {}
    domain, start = world.settings["company"]["domain"], world.calendar.starts_at
    for number, unit in enumerate(UNITS):
        for second in range(2 if unit.startswith(("area-k", "inside")) else 1):
            dice = Dice(world.seed, "owner", unit, second)
            surname, _, romaji = dice.pick(words().surnames)
            given, _, given_romaji = dice.pick(words().given_names)
            owner_id = f"U{number * 2 + second + 1:03d}"
            owners.setdefault(unit, []).append(owner_id)
            row = {
                "owner_id": owner_id,
                "owner_name": f"{surname} {given}",
                "email": f"{given_romaji}.{romaji}@{domain}",
                "unit_id": unit,
                "updated_at": iso_time(start),
            }
            world.diary.record("owners", start, row)
    return owners


def _handover(world: World, person: Person) -> Handover | None:
    """The first reason to give the person to sales, if there is any."""
    dice = Dice(world.seed, "handover", person.key)
    reasons = [
        Handover(passed.moment + dice.between(600, 40_000), passed.kind, passed.campaign_id, passed.product)
        for passed in person.passes
        if passed.kind in {"inquiry", "quote", "seminar"}
    ]
    if person.kind == "customer":
        reasons.append(Handover(sales_moment(person.named_on, dice), "existing", "", person.product))
    elif person.kind == "prospect":
        reasons += _sales_reasons(world, person, dice)
    return min(reasons, key=lambda reason: reason.moment, default=None)


def _sales_reasons(world: World, person: Person, dice: Dice) -> list[Handover]:
    reasons, show = [], person.exhibition
    campaign = show.campaign_id if show else next((p.campaign_id for p in person.passes), "")
    source = "exhibition" if show else "marketing"
    hot = dice.chance(0.05 + 0.22 * person.need)
    if show and hot and not person.is_heroine:
        day = next_workday(show.opens_on + timedelta(days=dice.between(5, 12)))
        reasons.append(Handover(sales_moment(day, dice), source, campaign, person.product))
    if person.wants_on is not None:
        day = max(person.named_on + timedelta(days=1), person.wants_on - timedelta(days=dice.between(2, 9)))
        day = min(next_workday(day), person.wants_on)
        reasons.append(Handover(midnight(day) + 9 * 3600, source, campaign, person.product))
    return reasons


def _work_lead(world: World, person: Person, handover: Handover, owners: dict[str, list[str]]) -> None:
    dice = Dice(world.seed, "lead", person.key)
    lead_id = f"L{person.key[1:]}"
    particulars, odd = written(world, person, handover.moment)
    owner, is_wrong = _owner(world, person, owners)
    is_silent = not person.is_heroine and world.befalls("silent_reps", lead_id)
    deal = Deal(world, person, lead_id, owner, handover, particulars, dice, is_silent)
    world.diary.deed(handover.moment, person.key, "lead_created")
    _lead(deal, handover.moment, "new")
    contacted, is_slow = _calls(deal, owners)
    _seminars(deal)
    is_returned = False
    if person.kind == "customer":
        _reorder(deal, "", handover.moment, 2)
    elif person.wants_on is not None and world.calendar.holds(midnight(person.wants_on)):
        _opportunity(deal, contacted)
    elif contacted is not None:
        is_returned = _set_aside(deal, contacted)
    flags = {
        "returned_lead": is_returned,
        "silent_reps": is_silent,
        "sla_breach": is_slow,
        "wrong_owner": is_wrong,
    }
    trouble = next((name for name, befell in flags.items() if befell), odd)
    world.diary.identifiers.append(
        Identifier("crm_lead", lead_id, person.key, handover.moment, world.calendar.ends_at - 1, trouble)
    )


_REASONS = ("予算なし", "時期尚早", "情報収集のみ", "対象外の規模", "連絡がつかない", "競合に決定")


def _set_aside(deal: Deal, contacted: int) -> bool:
    """No deal for now: back to marketing, now and then with a reason in writing. True when returned so."""
    dice, person, world = deal.dice, deal.person, deal.world
    day = next_workday(local_day(contacted) + timedelta(days=dice.between(3, 20)))
    moment = sales_moment(day, dice)
    trouble = Dice(world.seed, "trouble", "returned_lead", deal.lead_id)
    returned = person.kind != "vendor" and trouble.chance(world.trouble("returned_lead"))
    if returned:
        _activity(deal, moment, "call", "リード差戻し", f"差戻し（{trouble.pick(_REASONS)}）")
    _lead(
        deal, moment, "disqualified" if person.kind == "vendor" else "returned" if returned else "nurturing"
    )
    return returned and world.calendar.holds(moment)


def _owner(world: World, person: Person, owners: dict[str, list[str]]) -> tuple[str, bool]:
    """Who works the lead, and whether that is somebody else than custom wants."""
    usual = unit = person.usual_unit or "inside-sales"
    trouble = Dice(world.seed, "trouble", "wrong_owner", person.key)
    if trouble.chance(world.trouble("wrong_owner")) and not person.is_heroine:
        unit = trouble.pick(UNITS)
    return Dice(world.seed, "owner of", person.key).pick(owners[unit]), unit != usual


def _lead(deal: Deal, moment: int, status: str) -> None:
    person, typed = deal.person, deal.particulars
    company = person.job_on(local_day(deal.handover.moment)).company
    row = {
        "lead_id": deal.lead_id,
        "external_id": "",
        "email": person.job_on(local_day(deal.handover.moment)).email,
        **typed,
        "employees": company.employees if company else "",
        "corporate_number": _looked_up(deal.world, company) if company else "",
        "product_id": deal.handover.product,
        "source": deal.handover.source,
        "campaign_id": deal.handover.campaign_id,
        "owner_id": deal.owner_id,
        "status": status,
        "created_at": iso_time(deal.handover.moment),
        "updated_at": iso_time(moment),
    }
    deal.world.diary.record("leads", moment, row)


def _looked_up(world: World, company: Company) -> str:
    """The corporate number, which sales has looked up for two companies of three."""
    dice = Dice(world.seed, "corporate number", company.key)
    return company.corporate_number if dice.chance(0.65) else ""


def _calls(deal: Deal, owners: dict[str, list[str]]) -> tuple[int | None, bool]:
    """The first call and what follows it; gives the moment of the first call, and whether it came late."""
    dice, start = deal.dice, deal.handover.moment
    trouble = Dice(deal.world.seed, "trouble", "sla_breach", deal.lead_id)
    wait = min(dice.exponential(0.8), 1.5)
    is_slow = trouble.chance(deal.world.trouble("sla_breach"))
    if is_slow:
        wait = trouble.between(8, 25)
    is_waiting = _waits(deal)
    if is_waiting:
        wait = Dice(deal.world.seed, "wait", deal.lead_id).between(12, 30)
    day = next_workday(local_day(start) + timedelta(days=int(wait)))
    first = max(sales_moment(day, dice), start + 1800)
    if deal.person.wants_on is not None:  # who buys has been spoken to before
        first = max(start + 1800, min(first, midnight(deal.person.wants_on) + 9 * 3600 + 600))
    if is_waiting:
        _wait_for_each_other(deal, first, owners)
    if not deal.world.calendar.holds(first):
        return None, is_slow
    _activity(deal, first, "call", "初回連絡", _OUTCOMES.turn(dice))
    _lead(deal, first, "contacted")
    moment = first
    for _ in range(dice.count(1.4)):
        moment = sales_moment(next_workday(local_day(moment) + timedelta(days=dice.between(2, 15))), dice)
        kind = _KINDS.turn(dice)
        _activity(deal, moment, kind, _SUBJECTS[kind], _OUTCOMES.turn(dice) if kind == "call" else "完了")
    return first, is_slow


def _seminars(deal: Deal) -> None:
    """Applications as the organiser notes them, and attendance: about two of three come."""
    held = {f"seminar-{seminar.seminar_id}": seminar.held_on for seminar in deal.world.campaigns.seminars}
    for passed in deal.person.passes:
        if passed.kind != "seminar" or passed.form_id not in held:
            continue
        _activity(deal, passed.moment + 300, "seminar_applied", passed.form_id, "受付")
        if deal.world.befalls("applied_not_attended", passed.submission_id):
            deal.world.absent.add(passed.submission_id)
        else:
            attended = midnight(held[passed.form_id]) + 14 * 3600
            deal.world.diary.deed(attended, deal.person.key, "seminar_attended")
            _activity(deal, attended, "seminar_attended", passed.form_id, "出席")


def _waits(deal: Deal) -> bool:
    """Whether two reps are told of a request and each thinks that it is the other's turn."""
    asked = deal.handover.source in {"inquiry", "quote"} and deal.person.wants_on is None
    return asked and not deal.person.is_heroine and deal.world.befalls("waiting_reps", deal.lead_id)


def _wait_for_each_other(deal: Deal, first: int, owners: dict[str, list[str]]) -> None:
    """Both note that they wait; half of the people complain the day before somebody calls at last."""
    other = f"prod-{deal.handover.product}" if deal.handover.product else "inside-sales"
    second = replace(deal, owner_id=owners.get(other, owners["inside-sales"])[0])
    _activity(deal, deal.handover.moment + 1200, "note", "製品営業からの連絡待ち", "待機")
    _activity(second, deal.handover.moment + 2400, "note", "担当営業からの連絡待ち", "待機")
    if Dice(deal.world.seed, "complains", deal.lead_id).chance(0.5):
        _activity(deal, first - DAY, "complaint", "問い合わせに返事がない", "クレーム")
    deal.world.diary.waits.append(
        {"person_key": deal.person.key, "lead_id": deal.lead_id, "handed_at": deal.handover.moment,
         "first_contact_at": first, "trouble": "waiting_reps"}
    )  # fmt: skip


_DAY_ONLY = {"visit", "fax", "dm"}


def _activity(
    deal: Deal, moment: int, kind: str, subject: str, outcome: str, opportunity_id: str = ""
) -> None:
    at = local_day(moment).isoformat() if kind in _DAY_ONLY else iso_time(moment)
    row = {
        "activity_id": f"A{Dice(deal.world.seed, 'activity', deal.lead_id, moment, kind, subject).token(10)}",
        "lead_id": deal.lead_id,
        "opportunity_id": opportunity_id,
        "owner_id": deal.owner_id,
        "activity_type": kind,
        "subject": subject,
        "outcome": outcome,
        "occurred_at": at,
    }
    if not deal.is_silent:
        deal.world.diary.record("activities", moment, row)


def _opportunity(deal: Deal, contacted: int | None) -> None:
    """From qualified to won or lost, as far as the world lasts."""
    dice, person = deal.dice, deal.person
    created = max(midnight(person.wants_on) + 10 * 3600 + dice.below(8 * 3600), deal.handover.moment + 5400)
    if not deal.world.calendar.holds(created):
        return
    opportunity_id = f"O{person.key[1:]}"
    company = person.job_on(local_day(created)).company
    size = (company.employees if company else 10) ** 0.25
    amount = int(_PRICES[person.product] * size * (0.3 + 0.4 * dice.random())) // 10_000 * 10_000
    stages = _stages(deal, created)
    cause = _cause(person, created)
    deal.world.diary.deed(created, person.key, "opportunity_created")
    deal.world.diary.opportunities.append(
        {"opportunity_id": opportunity_id, "lead_id": deal.lead_id, "person_key": person.key, "cause": cause,
         "created_at": created, "final_stage": stages[-1][0], "final_stage_at": stages[-1][1],
         "amount_jpy": amount}
    )  # fmt: skip
    deal.world.diary.identifiers.append(
        Identifier("crm_opportunity", opportunity_id, person.key, created, deal.world.calendar.ends_at - 1)
    )
    for stage, moment in stages:
        _stage(deal, opportunity_id, amount, created, stage, moment)
    if stages[-1][0] == "won" and deal.world.calendar.holds(stages[-1][1]):
        _order(deal, opportunity_id, stages[-1][1], amount)
        _reorder(deal, opportunity_id, stages[-1][1], 1)


def _stages(deal: Deal, created: int) -> list[tuple[str, int]]:
    dice, stages, moment = deal.dice, [("qualified", created)], created
    will_win = dice.chance(deal.world.settings["sales"]["win_rate"] * (0.6 + 0.8 * deal.person.need))
    lost_after = 4 if will_win else dice.between(1, 3)
    for place, stage in enumerate(("proposal", "negotiation", "won"), start=1):
        moment = sales_moment(next_workday(local_day(moment) + timedelta(days=dice.between(7, 28))), dice)
        if place >= lost_after:
            return [*stages, ("lost", moment)]
        stages.append((stage, moment))
    return stages


def _cause(person: Person, created: int) -> str:
    """The deed that raised the wish to buy: the last form in sixty days, else the card, else sales itself."""
    near = [passed for passed in person.passes if created - 60 * DAY <= passed.moment < created]
    if near:
        return max(near, key=lambda passed: passed.moment).kind
    if person.exhibition and created - midnight(person.named_on) < 60 * DAY:
        return "card"
    return "sales_contact"


def _stage(deal: Deal, opportunity_id: str, amount: int, created: int, stage: str, moment: int) -> None:
    diary, closed = deal.world.diary, stage in {"won", "lost"}
    row = {
        "opportunity_id": opportunity_id,
        "lead_id": deal.lead_id,
        "company": deal.particulars["company"],
        "name": f"{deal.person.product} 導入",
        "product_id": deal.person.product,
        "amount_jpy": amount,
        "stage": stage,
        "owner_id": deal.owner_id,
        "created_at": iso_time(created),
        "closed_at": iso_time(moment) if closed else "",
        "updated_at": iso_time(moment),
    }
    if diary.record("opportunities", moment, row):
        entered = {"opportunity_id": opportunity_id, "stage": stage, "entered_at": iso_time(moment)}
        diary.record("opportunity_stages", moment, entered)
        _lead(deal, moment, stage if closed else "opportunity")
        if stage == "proposal":
            _activity(deal, moment - 3600, "visit", "提案訪問", "完了", opportunity_id)


def _order(deal: Deal, opportunity_id: str, moment: int, amount: int) -> None:
    number = Dice(deal.world.seed, "order", deal.lead_id, moment).token(8)
    row = {
        "order_id": f"R{number}",
        "opportunity_id": opportunity_id,
        "lead_id": deal.lead_id,
        "email": deal.person.job_on(local_day(deal.handover.moment)).email,
        "product_id": deal.person.product,
        "amount_jpy": amount,
        "gross_margin_jpy": amount * 45 // 100,
        "ordered_at": iso_time(moment + 600),
        "updated_at": iso_time(moment + 600),
    }
    deal.world.diary.record("orders", moment + 600, row)
    note_order(deal.world, deal.person, row["order_id"], moment + 600, amount)


def _reorder(deal: Deal, opportunity_id: str, moment: int, expected: int) -> None:
    """Repeat orders of some customers, smaller ones, months apart and without an opportunity."""
    dice = deal.dice
    for _ in range(3):
        moment = sales_moment(next_workday(local_day(moment) + timedelta(days=dice.between(30, 150))), dice)
        again = dice.chance(deal.world.settings["sales"]["repeat_order"] * expected)
        if not again or not deal.world.calendar.holds(moment + 600):
            return
        _order(deal, "", moment, _PRICES[deal.person.product] // 5 // 1000 * 1000)
