"""The people: who they are, where they work, what they need, when, and on which devices they read.

What is hidden here (need, knowledge, timing, right owner) shows in the files only through what people do.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import accumulate
from typing import Any

from .campaigns import Campaigns, Exhibition
from .clock import Calendar, next_workday
from .companies import Company, landline
from .dice import Dice, Wheel
from .names import DEPARTMENTS, POSITIONS, SMALL_POSITIONS, words
from .site import PRODUCTS

HEROINE = ("佐藤", "美咲")  # hers alone, so that a reader finds her
LAG_DAYS = 4  # nobody opens a deal sooner after the first named deed
_FREE_MAIL = ("gmail.com", "yahoo.co.jp", "outlook.jp", "docomo.ne.jp", "ezweb.ne.jp")

OFFICE_AGENTS = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/139.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/141.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 "
    "Safari/537.36 Edg/141.0.0.0",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 "
    "Safari/605.1.15",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0",
)
HOME_AGENTS = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/18.6 Mobile/15E148 Safari/604.1",
    "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 "
    "Mobile Safari/537.36",
    "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
    "Mobile/15E148 Safari/604.1",
    *OFFICE_AGENTS[:2],
)

# What a department tends to need; others spread evenly.
_PRODUCT_BY_DEPARTMENT = {
    "情報システム部": (1, 1, 2, 5),
    "DX推進室": (5, 2, 2, 1),
    "経営企画室": (4, 2, 3, 1),
    "営業部": (2, 6, 1, 1),
    "営業企画部": (3, 5, 1, 1),
    "マーケティング部": (6, 3, 1, 0.5),
    "経理部": (1, 0.5, 6, 1),
    "財務部": (1, 0.5, 6, 1),
    "製造部": (3, 0.5, 5, 1),
    "生産管理部": (3, 0.5, 6, 1),
}
_SOLUTION_BY_DEPARTMENT = {
    "営業部": "sales",
    "営業企画部": "sales",
    "マーケティング部": "sales",
    "経理部": "finance",
    "財務部": "finance",
    "製造部": "production",
    "生産管理部": "production",
    "購買部": "production",
    "品質保証部": "production",
}
_AREA_UNITS = {
    "east": "area-east",
    "kanto": "area-kanto",
    "chubu": "area-chubu",
    "kinki": "area-kinki",
    "west": "area-west",
}
_ACCOUNT_UNITS = {"製造業": "acct-manufacturing", "金融業": "acct-finance", "小売業": "acct-retail"}


@dataclass
class Device:
    """A browser. Its cookie changes when its owner deletes cookies; a few accept none."""

    address: str
    user_agent: str
    at_home: bool
    cookies: list[str]
    resets: list[int]  # moments at which the next cookie begins
    trouble: str | None = None

    def cookie_at(self, moment: int) -> str:
        """The visitor cookie it shows at a moment, or `-`."""
        return self.cookies[bisect_right(self.resets, moment)] if self.cookies else "-"


@dataclass(frozen=True)
class Employment:
    """Where somebody works from a day on, and the address that goes with it."""

    since: date
    company: Company | None  # None for consumers
    department: str
    position: str
    email: str
    phone: str
    trouble: str | None = None  # of its address


@dataclass
class FormPass:
    """One form passed by one person."""

    moment: int
    kind: str
    form_id: str
    product: str
    campaign_id: str
    consent: bool
    submission_id: str


@dataclass
class Person:
    """One human being, with everything hidden that moves him or her."""

    key: str
    kind: str  # prospect, customer, consumer, jobseeker, vendor
    origin: str  # card, form, customer, shop
    surname: str
    given: str
    surname_kana: str
    given_kana: str
    employments: list[Employment]
    mobile: str
    product: str
    solution: str
    knowledge: int  # 0 knows nothing, 2 an expert
    need: float  # 0 to 1
    named_on: date
    wants_on: date | None  # the day an opportunity ripens, None = never; may lie after the world's end
    exhibition: Exhibition | None
    usual_unit: str  # the sales unit that by custom has such people, '' = none
    wish: tuple[float, float] = (0.0, 0.0)  # the chance of ever wanting to buy; mean days until then
    has_proxy: bool = False
    address_is_dead: bool = False
    meets_kiosk: bool = False
    is_under_pressure: bool = False
    letters: int = 0  # mails that reached the person
    troubles: list[str] = field(default_factory=list)
    decides_at: list[int] = field(default_factory=list)  # visits that come before an opportunity only
    devices: list[Device] = field(default_factory=list)
    borrowed: list[Device] = field(default_factory=list)
    passes: list[FormPass] = field(default_factory=list)
    permissions: list[tuple[int, bool]] = field(default_factory=list)  # from this moment: may be written to?
    is_heroine: bool = False

    def job_on(self, day: date) -> Employment:
        """The employment that holds on a day (the first one for days before it)."""
        return next((job for job in reversed(self.employments) if job.since <= day), self.employments[0])

    def struck_by(self, trouble: str) -> None:
        """Note for the truth what befell the person."""
        if trouble not in self.troubles:
            self.troubles.append(trouble)

    def permitted_since(self, moment: int) -> int | None:
        """When marketing got the permission that holds at a moment; None when it has none then."""
        since, allowed = max(((at, may) for at, may in self.permissions if at <= moment), default=(0, False))
        return since if allowed else None

    @property
    def name(self) -> str:
        """Surname, a space, given name."""
        return f"{self.surname} {self.given}"

    @property
    def kana(self) -> str:
        """The reading in katakana."""
        return f"{self.surname_kana} {self.given_kana}"


def invent_people(
    seed: int,
    how_many: int,
    companies: list[Company],
    calendar: Calendar,
    campaigns: Campaigns,
    settings: dict[str, Any],
) -> list[Person]:
    """`how_many` named people, each at a company unless a consumer; large companies have more of them."""
    house = _House(seed, companies, calendar, campaigns, settings)
    people = [house.invent(f"p{number:06d}") for number in range(how_many)]
    house.share_devices(people)
    beside = [
        house.invent(f"p{kind[0]}{number:05d}", kind)
        for kind in ("jobseeker", "vendor")
        for number in range(round(how_many * settings["troubles"][kind]))
    ]
    return people + beside


def new_device(seed: int, name: tuple[object, ...], address: str, at_home: bool, rates: Rates) -> Device:
    """A device with the cookies it will show over the whole world."""
    dice, habits = Dice(seed, "device", *name), Dice(seed, "trouble", "cookies", *name)
    agent = dice.pick(HOME_AGENTS if at_home else OFFICE_AGENTS)
    refuses, deletes = habits.chance(rates.cookie_refused), habits.chance(rates.cookie_deleted)
    if refuses:
        return Device(address, agent, at_home, [], [], "cookie_refused")
    resets: list[int] = []
    if deletes:
        moment = rates.starts_at
        while (moment := moment + int(habits.exponential(rates.cookie_life_days) * 86_400)) < rates.ends_at:
            resets.append(moment)
    cookies = ["v" + dice.token(15) for _ in range(len(resets) + 1)]
    return Device(address, agent, at_home, cookies, resets, "cookie_deleted" if resets else None)


@dataclass(frozen=True)
class Rates:
    """What devices need to know of the settings."""

    cookie_refused: float
    cookie_deleted: float
    cookie_life_days: float
    starts_at: int
    ends_at: int


def device_rates(settings: dict[str, Any], calendar: Calendar) -> Rates:
    """The cookie troubles of the settings, for `new_device`."""
    troubles = settings["troubles"]
    return Rates(
        troubles["cookie_refused"],
        troubles["cookie_deleted"],
        settings["population"]["cookie_life_days"],
        calendar.starts_at,
        calendar.ends_at,
    )


def home_address(dice: Dice) -> str:
    """An address of shared home and mobile access (RFC 6598, 100.64.0.0/10)."""
    return f"100.{64 + dice.below(64)}.{dice.below(256)}.{dice.between(1, 254)}"


def mobile_phone(dice: Dice) -> str:
    """Eleven digits with hyphens."""
    return f"0{dice.between(7, 9)}0-{dice.between(1, 9)}{dice.below(1000):03d}-{dice.below(10000):04d}"


_FullName = tuple[tuple[str, ...], tuple[str, ...]]  # (kanji, kana, romaji) of surname and of given name


class _House:
    """Invents people one by one; remembers which addresses are taken."""

    def __init__(
        self,
        seed: int,
        companies: list[Company],
        calendar: Calendar,
        campaigns: Campaigns,
        settings: dict[str, Any],
    ) -> None:
        self.seed, self.companies, self.calendar, self.campaigns = seed, companies, calendar, campaigns
        self.settings, self.troubles = settings, settings["troubles"]
        self.taken: set[str] = set()
        self.names: dict[str, dict[tuple[str, str], _FullName]] = {}
        self.homonyms: set[str] = set()
        self.employers = Wheel({place: firm.employees**0.6 for place, firm in enumerate(companies)})
        self.origins = Wheel(settings["population"]["origins"])
        self.arrivals = list(accumulate(calendar.weights(settings["growth"]["leads"], 0.3)))
        self.rates = device_rates(settings, calendar)

    def invent(self, key: str, beside: str = "") -> Person:
        """One person; `beside` is the kind of those who come beside the people a company wants."""
        dice = Dice(self.seed, "person", key)
        kind, origin = self._kind(self.origins.turn(dice), beside)
        named = (dice.pick(words().surnames), dice.pick(words().given_names))
        named_on, exhibition = self._first_day(origin, dice)
        company = None if kind == "consumer" else self.companies[self.employers.turn(dice)]
        (surname, surname_kana, romaji), (given, given_kana, given_romaji) = self._name(key, named, company)
        job = self._job(key, company, f"{romaji} {given_romaji}", dice)
        product, solution = self._need(job.department, dice)
        need = (dice.random() + dice.random() + dice.random()) / 3
        person = Person(
            key, kind, origin, surname, given, surname_kana, given_kana, [job], mobile_phone(dice),
            product, solution, dice.below(3), need, named_on, None, exhibition, "",
        )  # fmt: skip
        person.wants_on = self._timing(person, dice)
        person.usual_unit = usual_unit(person)
        person.devices = self._devices(person)
        self._trouble(person, f"{romaji} {given_romaji}")
        return person

    def _name(self, key: str, drawn: _FullName, company: Company | None) -> _FullName:
        """The name drawn, another when a colleague has it already, or on purpose that of a colleague."""
        place = company.key if company else "home"
        taken = self.names.setdefault(place, {})
        again = Dice(self.seed, "another name", key)
        while len(taken) < 5000 and (
            (drawn[0][0], drawn[1][0]) in taken or (drawn[0][0], drawn[1][0]) == HEROINE
        ):
            drawn = (again.pick(words().surnames), again.pick(words().given_names))
        dice = Dice(self.seed, "trouble", "homonym", key)
        is_homonym = dice.chance(self.troubles["homonym"]) and taken and company and not company.is_spared
        bears = dice.pick(list(taken.values())) if is_homonym else drawn
        taken[drawn[0][0], drawn[1][0]] = drawn
        if is_homonym:
            self.homonyms.add(key)
        return bears

    def _kind(self, origin: str, beside: str) -> tuple[str, str]:
        if beside:
            return beside, "form"
        kinds = {"card": "prospect", "form": "prospect", "customer": "customer", "shop": "consumer"}
        if origin == "card" and not self.campaigns.exhibitions:
            origin = "form"
        return kinds[origin], origin

    def _first_day(self, origin: str, dice: Dice) -> tuple[date, Exhibition | None]:
        drawn = self.calendar.draw(self.arrivals, dice)
        if origin == "customer":
            return self.calendar.days[int(len(self.calendar.days) * 0.15 * dice.random())], None
        if origin != "card":
            return drawn, None
        shows, more = self.campaigns.exhibitions, self.settings["growth"]["leads"] - 1
        show = Wheel(
            {place: 1 + more * self.calendar.age(show.opens_on) for place, show in enumerate(shows)}
        ).turn(dice)
        return dice.pick([day for day in shows[show].days() if day <= self.calendar.last]), shows[show]

    def _job(
        self, key: str, company: Company | None, romaji: str, dice: Dice, since: date = date.min
    ) -> Employment:
        surname, given = romaji.split()
        if company is None:
            address = self._free(f"{surname}.{given}{dice.below(100)}@{dice.pick(_FREE_MAIL)}", dice)
            return Employment(since, None, "", "", address, "")
        small = company.employees < 40
        position = Wheel(SMALL_POSITIONS if small else POSITIONS).turn(dice)
        department = "" if small and dice.chance(0.6) else Wheel(DEPARTMENTS).turn(dice)
        local = dice.pick((f"{surname}.{given}", f"{given[0]}.{surname}", f"{surname}_{given}", surname))
        address = self._free(f"{local}@{company.domain}", dice)
        phone = company.phone if dice.chance(0.5) else landline(company.prefecture, dice)
        other = self._other_address(key, company, f"{surname}{given}", since)
        return Employment(since, company, department, position, other[0] or address, phone, other[1])

    def _other_address(self, key: str, company: Company, name: str, since: date) -> tuple[str, str | None]:
        """A shared or private address in place of the company's own, with its trouble; ('', None) mostly."""
        shared = Dice(self.seed, "trouble", "shared_mailbox", key, since)
        if company.employees < 100 and shared.chance(self.troubles["shared_mailbox"] * 3):
            return f"info@{company.domain}", "shared_mailbox"
        private = Dice(self.seed, "trouble", "free_mail", key, since)
        if company.employees < 300 and private.chance(self.troubles["free_mail"]):
            return f"{name}{private.below(90)}.{key[-4:]}@{private.pick(_FREE_MAIL)}", "free_mail"
        return "", None

    def _free(self, address: str, dice: Dice) -> str:
        local, domain = address.split("@")
        while address in self.taken:
            address = f"{local}{dice.between(2, 999)}@{domain}"
        self.taken.add(address)
        return address

    def _need(self, department: str, dice: Dice) -> tuple[str, str]:
        shares = _PRODUCT_BY_DEPARTMENT.get(department, (2, 2, 2, 2))
        product = Wheel(dict(zip(PRODUCTS, shares, strict=True))).turn(dice)
        usual = _SOLUTION_BY_DEPARTMENT.get(department, "")
        return product, usual if dice.chance(0.75) else dice.pick(("sales", "production", "finance", ""))

    def _timing(self, person: Person, dice: Dice) -> date | None:
        if person.kind != "prospect":
            return None
        growth, age = self.settings["growth"], self.calendar.age(person.named_on)
        first, last = growth["opportunity_rate"]
        rate = (first + (last - first) * age) * 2 * person.need
        rate *= growth["card_opportunity_share"] if person.origin == "card" else 1.0
        soon, late = growth["opportunity_lag_days"]
        person.wish = (min(1.0, rate), soon + (late - soon) * age - LAG_DAYS)
        lag = LAG_DAYS + dice.exponential(person.wish[1])
        return next_workday(person.named_on + timedelta(days=int(lag))) if dice.chance(rate) else None

    def _devices(self, person: Person) -> list[Device]:
        company, key = person.employments[0].company, person.key
        home = home_address(Dice(self.seed, "home", key))
        if company is None or person.kind == "jobseeker":
            return [new_device(self.seed, (key, "home"), home, True, self.rates)]
        devices = [new_device(self.seed, (key, "office"), company.office_address, False, self.rates)]
        if Dice(self.seed, "trouble", "several_devices", key).chance(self.troubles["several_devices"]):
            devices.append(new_device(self.seed, (key, "home"), home, True, self.rates))
            devices[1].trouble = devices[1].trouble or "several_devices"
        return devices

    def _trouble(self, person: Person, romaji: str) -> None:
        def befalls(trouble: str) -> bool:
            return Dice(self.seed, "trouble", trouble, person.key).chance(self.troubles[trouble])

        person.has_proxy = befalls("privacy_proxy")
        person.address_is_dead = befalls("dead_address")
        person.meets_kiosk = person.kind == "prospect" and befalls("kiosk")
        person.is_under_pressure = befalls("unsubscribe_under_pressure")
        moves = person.kind == "prospect" and befalls("job_change")
        if moves:
            self._move(person, romaji)
        if person.key in self.homonyms:
            person.troubles.append("homonym")
        flags = {
            "job_change": len(person.employments) > 1,
            "dead_address": person.address_is_dead,
            "privacy_proxy": person.has_proxy,
            "jobseeker": person.kind == "jobseeker",
            "vendor": person.kind == "vendor",
        }
        person.troubles += [name for name, befell in flags.items() if befell]
        person.troubles += [job.trouble for job in person.employments if job.trouble]
        person.troubles += [device.trouble for device in person.devices if device.trouble]

    def _move(self, person: Person, romaji: str) -> None:
        """A new employer, and with it a new address, from some day on."""
        dice = Dice(self.seed, "trouble", "new employer", person.key)
        day = next_workday(person.named_on + timedelta(days=dice.between(40, 250)))
        company = self.companies[self.employers.turn(dice)]
        if day < self.calendar.last and company is not person.employments[0].company:
            job = self._job(person.key, company, romaji, dice, day)
            person.employments.append(replace(job, trouble=job.trouble or "job_change"))

    def share_devices(self, people: list[Person]) -> None:
        """Lend a device to a colleague, or at home to another consumer."""
        nearby: dict[str, list[Person]] = {}
        for person in people:
            firm = person.employments[0].company
            nearby.setdefault(firm.key if firm else "home", []).append(person)
        for person in people:
            dice = Dice(self.seed, "trouble", "shared_device", person.key)
            firm = person.employments[0].company
            others = [other for other in nearby[firm.key if firm else "home"] if other is not person]
            if others and dice.chance(self.troubles["shared_device"]):
                lender = dice.pick(others)
                person.borrowed = lender.devices[:1]
                person.struck_by("shared_device")
                lender.struck_by("shared_device")


def usual_unit(person: Person) -> str:
    """The sales unit that by the invented company's custom works such a person ('' = nobody).

    Key accounts first, then a clear solution need, then the two products with specialists, then the area;
    consumers and the smallest firms are for inside sales. Job-seekers and vendors are nobody's.
    """
    company = person.employments[0].company
    if person.kind in {"jobseeker", "vendor"}:
        return ""
    if company is None or company.employees < 20:
        return "inside-sales"
    if company.is_key_account:
        return _ACCOUNT_UNITS[company.industry]
    if person.solution and person.need > 0.55:
        return f"sol-{person.solution}"
    if person.product == "security" or (person.product == "erp" and person.knowledge == 2):
        return f"prod-{person.product}"
    return _AREA_UNITS[company.prefecture.sales_area]
