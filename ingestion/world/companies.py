"""The companies that buy, or might: names, places, sizes, mail domains and office addresses.

Every mail domain lies under example.jp and every network address in ranges reserved for tests and for
shared home access (RFC 2544, RFC 6598), so no invented trace can belong to somebody real.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

from .clock import Calendar, next_workday
from .dice import Dice, Wheel
from .names import INDUSTRY_SHARES, Prefecture, words

_SIZES = Wheel({(8, 30): 30.0, (30, 100): 30.0, (100, 300): 18.0, (300, 1000): 13.0, (1000, 8000): 9.0})
_FORMS = Wheel({"株式会社": 93.0, "有限会社": 4.0, "合同会社": 3.0})


@dataclass(frozen=True)
class Company:
    """One company as it truly is; files hold it in many spellings."""

    key: str
    base: str  # the name without its legal form
    legal_form: str
    form_before: bool
    domain: str
    industry: str
    prefecture: Prefecture
    employees: int
    corporate_number: str
    phone: str
    postal_code: str
    address: str
    office_address: str
    has_mail_gate: bool = False  # follows every link of every mail
    changes_on: date | None = None  # the day from which it bears another name
    later_base: str = ""  # that name, without the legal form
    merged_into: str | None = None  # the key of the company whose name that is
    is_spared: bool = False  # the heroine's employer: no trouble befalls it

    @property
    def name(self) -> str:
        """The official name of today, legal form on its side."""
        return self.official(self.later_base or self.base)

    def official(self, base: str) -> str:
        """A name with the legal form on the company's own side."""
        return self.legal_form + base if self.form_before else base + self.legal_form

    def base_on(self, day: date) -> str:
        """The name without its legal form as it is on a day."""
        return self.later_base if self.changes_on and day >= self.changes_on else self.base

    @property
    def trouble(self) -> str | None:
        """What befell the company itself."""
        if self.changes_on is None:
            return None
        return "company_merged" if self.merged_into else "company_renamed"

    @property
    def is_key_account(self) -> bool:
        """Large firms of three industries have account teams of their own."""
        return self.employees >= 1000 and self.industry in {"製造業", "金融業", "小売業"}


def corporate_number(twelve: str) -> str:
    """Thirteen digits: the check digit before the twelve others (National Tax Agency's rule, modulus 9)."""
    total = sum(int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(twelve)))
    return f"{9 - total % 9}{twelve}"


def office_address(number: int) -> str:
    """The `number`-th network address of 198.18.0.0/15 (RFC 2544), leaving out .0 and .255."""
    return f"198.{18 + number // 64770 % 2}.{number // 254 % 255}.{number % 254 + 1}"


def landline(prefecture: Prefecture, dice: Dice) -> str:
    """Ten digits with hyphens, beginning as phones of the prefecture do: `03-4210-0981`."""
    places = 6 - len(prefecture.area_code)
    local = "".join([str(dice.between(2, 8)), *(str(dice.below(10)) for _ in range(places - 1))])
    return f"{prefecture.area_code}-{local}-{dice.below(10000):04d}"


def invent_companies(seed: int, how_many: int, calendar: Calendar, troubles: dict[str, Any]) -> list[Company]:
    """`how_many` companies with names and domains of their own; what befalls them is drawn afterwards."""
    taken: set[str] = set()
    firms = [_invent(seed, number, taken) for number in range(how_many)]
    spared = _for_the_heroine(firms)
    firms = [replace(firm, is_spared=firm is spared) for firm in firms]
    gated = [_gated(seed, firm, troubles["link_scanner"]) for firm in firms]
    renamed = [_renamed(seed, firm, calendar, taken, troubles["company_renamed"]) for firm in gated]
    return [_merged(seed, firm, renamed, calendar, troubles["company_merged"]) for firm in renamed]


def _for_the_heroine(firms: list[Company]) -> Company:
    """A manufacturer of middling size near Tokyo; else the first firm."""
    fitting = [firm for firm in firms if firm.industry == "製造業" and 100 <= firm.employees < 1000]
    near = [firm for firm in fitting if firm.prefecture.sales_area == "kanto"]
    return (near or fitting or firms)[0]


def _gated(seed: int, firm: Company, rate: float) -> Company:
    has_gate = Dice(seed, "trouble", "link_scanner", firm.key).chance(rate) and not firm.is_spared
    return replace(firm, has_mail_gate=has_gate)


def _day_of_change(calendar: Calendar, dice: Dice) -> date:
    """Some day in the middle half of the world."""
    days = len(calendar.days)
    return next_workday(calendar.first + timedelta(days=days // 4 + dice.below(max(1, days // 2))))


def _renamed(seed: int, firm: Company, calendar: Calendar, taken: set[str], rate: float) -> Company:
    dice = Dice(seed, "trouble", "company_renamed", firm.key)
    if not dice.chance(rate) or firm.is_spared:
        return firm
    base, _ = _name(firm.industry, dice, taken)
    return replace(firm, changes_on=_day_of_change(calendar, dice), later_base=base)


def _merged(seed: int, firm: Company, firms: list[Company], calendar: Calendar, rate: float) -> Company:
    """Taken over by a larger firm that keeps its name; its people keep their addresses."""
    dice = Dice(seed, "trouble", "company_merged", firm.key)
    if not dice.chance(rate) or firm.is_spared or firm.changes_on:
        return firm
    larger = [one for one in firms if one.employees > firm.employees and not one.changes_on]
    larger = [one for one in larger if not one.is_spared]
    buyer = dice.pick(larger) if larger else None
    if buyer is None or Dice(seed, "trouble", "company_merged", buyer.key).chance(rate):
        return firm  # no chains of mergers
    return replace(
        firm, changes_on=_day_of_change(calendar, dice), later_base=buyer.base, merged_into=buyer.key
    )


def _invent(seed: int, number: int, taken: set[str]) -> Company:
    dice = Dice(seed, "company", number)
    industry = Wheel(INDUSTRY_SHARES).turn(dice)
    base, domain = _name(industry, dice, taken)
    prefectures = words().prefectures
    place = prefectures[Wheel({name: entry.share for name, entry in prefectures.items()}).turn(dice)]
    low, high = _SIZES.turn(dice)
    return Company(
        key=f"c{number:05d}",
        base=base,
        legal_form=_FORMS.turn(dice),
        form_before=dice.chance(0.62),
        domain=domain,
        industry=industry,
        prefecture=place,
        employees=dice.between(low, high),
        corporate_number=corporate_number(f"9900{number:08d}"),
        phone=landline(place, dice),
        postal_code=f"{place.postal}-{dice.below(10000):04d}",
        address=f"{place.name}{place.city}{dice.between(1, 8)}-{dice.between(1, 30)}-{dice.between(1, 20)}",
        office_address=office_address(number),
    )


def _name(industry: str, dice: Dice, taken: set[str]) -> tuple[str, str]:
    """A stem and a trade nobody has yet; when all are taken, a place goes before the stem."""
    for attempt in range(10_000):
        stem, stem_romaji = dice.pick(words().stems)
        trade, trade_romaji = dice.pick(words().trades[industry])
        base, domain = stem + trade, f"{stem_romaji}-{trade_romaji}"
        if attempt > 20:
            branch, branch_romaji = dice.pick(words().stems)
            base, domain = branch + base, f"{branch_romaji}-{domain}"
        if domain not in taken:
            taken.add(domain)
            return base, f"{domain}.example.jp"
    raise ValueError("The vocabulary in words.yml is too small for so many companies: add stems or trades.")
