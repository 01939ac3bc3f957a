"""The companies that buy, or might: names, places, sizes, mail domains and office addresses.

Every mail domain lies under example.jp and every network address in ranges reserved for tests and for
shared home access (RFC 2544, RFC 6598), so no invented trace can belong to somebody real.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

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
    has_mail_gate: bool  # follows every link of every mail

    @property
    def name(self) -> str:
        """The official name, legal form on its side."""
        return self.legal_form + self.base if self.form_before else self.base + self.legal_form

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


def invent_companies(seed: int, how_many: int, troubles: dict[str, Any]) -> list[Company]:
    """`how_many` companies with names and domains of their own."""
    taken: set[str] = set()
    return [_invent(seed, number, taken, troubles) for number in range(how_many)]


def _invent(seed: int, number: int, taken: set[str], troubles: dict[str, Any]) -> Company:
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
        has_mail_gate=Dice(seed, "trouble", "mail gate", number).chance(troubles["scanner_companies"]),
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
