"""What the company's marketing does: exhibitions, mails, seminars, advertisements, and their costs."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from .clock import Calendar, midnight, month_name, next_workday, nth_weekday
from .dice import Dice
from .site import BLOG, CASES, DOCUMENTS, PRODUCTS

EXHIBITION_MONTHS = (2, 4, 6, 9, 11)
EXHIBITION_DAYS = 3


@dataclass(frozen=True)
class Exhibition:
    """Three days at which cards are exchanged; its list is named by the campaign."""

    campaign_id: str
    opens_on: date

    def days(self) -> list[date]:
        """The days it is open."""
        return [self.opens_on + timedelta(days=number) for number in range(EXHIBITION_DAYS)]


@dataclass(frozen=True)
class Seminar:
    """One seminar, about one product."""

    seminar_id: str
    held_on: date
    product: str


@dataclass(frozen=True)
class Mailing:
    """One mail to many: when it leaves and what it links to (paths on the own site)."""

    campaign_id: str
    purpose: str
    sent_at: int
    links: tuple[str, ...]
    product: str


@dataclass(frozen=True)
class Cost:
    """One row of the cost file."""

    campaign_id: str
    name: str
    channel: str
    kind: str
    day: date
    amount_jpy: int


@dataclass(frozen=True)
class Campaigns:
    """All occasions of one world, each list in order of time."""

    exhibitions: list[Exhibition]
    seminars: list[Seminar]
    mailings: list[Mailing]
    costs: list[Cost]


def plan_campaigns(seed: int, calendar: Calendar, settings: dict[str, Any]) -> Campaigns:
    """The occasions that fall within the calendar."""
    exhibitions = _exhibitions(calendar)
    seminars = _seminars(calendar)
    mailings = _mailings(seed, calendar, seminars)
    return Campaigns(exhibitions, seminars, mailings, _costs(seed, calendar, exhibitions, seminars, settings))


def _exhibitions(calendar: Calendar) -> list[Exhibition]:
    opens = [
        nth_weekday(year, month, 2, 3) for year, month in calendar.months() if month in EXHIBITION_MONTHS
    ]
    whole = [day for day in opens if calendar.first <= day and day + timedelta(days=2) <= calendar.last]
    # A short world has one too, a fifth of the way in, so that its lists and its heroine exist.
    early = calendar.days[len(calendar.days) // 5]
    if not any((calendar.last - day).days >= 60 for day in whole) and len(calendar.days) >= 10:
        whole = sorted({*whole, next_workday(early)})
    return [Exhibition(f"expo-{month_name(day)}", day) for day in _one_a_month(whole)]


def _one_a_month(days: list[date]) -> list[date]:
    return list({month_name(day): day for day in reversed(days)}.values())[::-1]


def _seminars(calendar: Calendar) -> list[Seminar]:
    months = list(calendar.months())
    held = [nth_weekday(year, month, 3, 3) for year, month in months]
    return [
        Seminar(f"{month_name(day)}-{PRODUCTS[day.month % 4]}", day, PRODUCTS[day.month % 4])
        for day in held
        if calendar.first <= day <= calendar.last
    ]


def _mailings(seed: int, calendar: Calendar, seminars: list[Seminar]) -> list[Mailing]:
    mailings = []
    for year, month in calendar.months():
        dice = Dice(seed, "newsletter", year, month)
        mailings.append(_newsletter(nth_weekday(year, month, 1, 2), dice))
    for seminar in seminars:
        day = next_workday(seminar.held_on - timedelta(days=14))
        mailings.append(
            Mailing(
                f"mail-{month_name(seminar.held_on)}-seminar",
                "seminar",
                midnight(day) + 11 * 3600,
                (f"/seminar/{seminar.seminar_id}", f"/products/{seminar.product}/"),
                seminar.product,
            )
        )
    inside = [mailing for mailing in mailings if calendar.holds(mailing.sent_at)]
    return sorted(inside, key=lambda mailing: (mailing.sent_at, mailing.campaign_id))


def _newsletter(day: date, dice: Dice) -> Mailing:
    product = dice.pick(PRODUCTS)
    links = (f"/blog/{dice.pick(BLOG[product])}", f"/case/{dice.pick(CASES[product])}")
    return Mailing(
        f"mail-{month_name(day)}-newsletter",
        "newsletter",
        midnight(next_workday(day)) + 10 * 3600,
        (*links, f"/download/{DOCUMENTS[product][0]}"),
        product,
    )


def _costs(
    seed: int,
    calendar: Calendar,
    exhibitions: list[Exhibition],
    seminars: list[Seminar],
    settings: dict[str, Any],
) -> list[Cost]:
    per_day = settings["sales"]["media_cost_per_day_jpy"]
    costs = [
        cost
        for year, month in calendar.months()
        for cost in _month_costs(Dice(seed, "costs", year, month), year, month, per_day)
    ]
    for show in exhibitions:
        label = f"展示会 {month_name(show.opens_on)}"
        costs.append(Cost(show.campaign_id, label, "event", "event", show.opens_on, 1_800_000))
        costs.append(Cost(show.campaign_id, label, "event", "labour", show.opens_on, 420_000))
    for seminar in seminars:
        name = f"seminar-{seminar.seminar_id}"
        costs.append(Cost(name, f"セミナー {seminar.seminar_id}", "event", "event", seminar.held_on, 120_000))
    inside = [cost for cost in costs if calendar.first <= cost.day <= calendar.last]
    return sorted(inside, key=lambda cost: (cost.day, cost.campaign_id, cost.kind))


def _month_costs(dice: Dice, year: int, month: int, per_day: int) -> list[Cost]:
    day = nth_weekday(year, month, 4, 4)  # bills are booked on the fourth Friday
    label = month_name(day)

    def about(amount: int) -> int:
        return int(amount * (0.9 + 0.2 * dice.random())) // 100 * 100

    return [
        Cost(f"ads-search-{label}", f"検索広告 {label}", "cpc", "media", day, about(per_day * 20)),
        Cost(f"ads-social-{label}", f"SNS広告 {label}", "social", "media", day, about(per_day * 6)),
        Cost(f"ads-banner-{label}", f"バナー広告 {label}", "banner", "media", day, about(per_day * 4)),
        Cost(f"mail-{label}-newsletter", f"メールマガジン {label}", "email", "labour", day, about(60_000)),
        Cost(f"mail-{label}-seminar", f"セミナー案内メール {label}", "email", "labour", day, about(30_000)),
    ]
