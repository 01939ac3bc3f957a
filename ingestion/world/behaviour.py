"""What humans do on the site: visits, forms, shop; named people by their hidden need, the others by chance.

Each person's visits come before, at and after the first named deed, and gather before an opportunity.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from . import names
from .campaigns import Campaigns
from .clock import (
    Calendar,
    home_moment,
    is_closed,
    iso_time,
    local_day,
    midnight,
    month_name,
    next_workday,
    office_moment,
)
from .companies import Company
from .diary import Consent, Diary, Identifier, Submission, Visitor
from .dice import Dice, Wheel
from .people import (
    HOME_AGENTS,
    OFFICE_AGENTS,
    Device,
    Employment,
    FormPass,
    Person,
    device_rates,
    home_address,
    new_device,
)
from .site import ASSETS, DOCUMENTS, PRODUCTS, SKUS, arrival, next_page

CONSENT_WORDING = "privacy-2025-04"
_FIRST_FORMS = Wheel({"download": 52, "newsletter": 22, "seminar": 18, "survey": 5, "campaign": 3})
_LATER_FORMS = Wheel({"download": 60, "seminar": 32, "survey": 8})


@dataclass
class World:
    """Everything a chapter of the world needs: the cast, the calendar, the settings and the diary."""

    seed: int
    settings: dict[str, Any]
    calendar: Calendar
    campaigns: Campaigns
    companies: list[Company]
    people: list[Person]
    diary: Diary
    colleagues: dict[str, list[Person]] = field(default_factory=dict)
    forwarded: set[str] = field(default_factory=set)  # mail tokens that a colleague followed too
    absent: set[str] = field(default_factory=set)  # submissions for a seminar to which nobody came

    @property
    def site(self) -> str:
        """The site's address without a slash at its end."""
        return f"https://www.{self.settings['company']['domain']}"

    def trouble(self, name: str) -> float:
        """The rate of one trouble."""
        return self.settings["troubles"][name]

    def befalls(self, trouble: str, *whom: object) -> bool:
        """Whether a trouble strikes here; every trouble and every subject roll dice of their own."""
        return Dice(self.seed, "trouble", trouble, *whom).chance(self.trouble(trouble))

    @cached_property
    def kiosks(self) -> dict[tuple[int, bool], Device]:
        """Public terminals by year and half; filled as they are used."""
        return {}


@dataclass(frozen=True)
class Visit:
    """A plan for one visit."""

    moment: int
    stage: str
    pages: int
    entry: str = ""  # '' = as chance brings them
    form: str = ""  # a form kind to pass at the end
    mail_token: str = ""


def live(world: World) -> None:
    """Everything named people do of themselves (clicks on mails come later, with the mails)."""
    for person in world.people:
        if person.is_heroine:
            continue
        visits = _plan(world, person)
        if not any(visit.form for visit in visits):
            if not world.befalls("untied_visits", person.key):
                continue
            world.diary.untied.add(person.key)
            if visits:
                person.struck_by("untied_visits")
        for visit in visits:
            walk(world, person, visit)


def _plan(world: World, person: Person) -> list[Visit]:
    dice = Dice(world.seed, "plan", person.key)
    plans = {"consumer": _consumer, "jobseeker": _jobseeker, "vendor": _vendor, "customer": _customer}
    visits = plans.get(person.kind, _prospect)(world, person, dice)
    return sorted((visit for visit in visits if world.calendar.holds(visit.moment)), key=lambda v: v.moment)


def _prospect(world: World, person: Person, dice: Dice) -> list[Visit]:
    named = office_moment(person.named_on, dice)
    if person.origin == "form":
        visits = _around_first_form(person, named, dice)
    else:
        visits = _after_card(person, named, dice)
    _weigh_again(world, person, visits)
    return visits + _before_opportunity(person, dice)


def _weigh_again(world: World, person: Person, visits: list[Visit]) -> None:
    """Where the settings say so, readers of the newsletter come to want something less often than others."""
    share = world.settings["growth"]["newsletter_opportunity_share"]
    if share == 1 or not any(visit.form == "newsletter" for visit in visits):
        return
    rate, mean = person.wish
    person.wish = (rate * share, mean)
    if not Dice(world.seed, "newsletter", person.key).chance(share):
        person.wants_on = None


def _around_first_form(person: Person, named: int, dice: Dice) -> list[Visit]:
    before = [
        Visit(_earlier(named, 25, dice), "learn", dice.between(1, 4))
        for _ in range(dice.count(1.0 + person.need))
    ]
    urgent = dice.chance(0.08 + 0.22 * person.need)
    form = dice.pick(("inquiry", "inquiry", "quote")) if urgent else _FIRST_FORMS.turn(dice)
    first = Visit(named, "compare" if urgent else "learn", dice.between(1, 5), form=form)
    after = [
        Visit(_later(named, 45, dice), "compare", dice.between(1, 6))
        for _ in range(dice.count(2.2 * person.need))
    ]
    more = [Visit(_later(named, 60, dice), "compare", dice.between(2, 5), form=_LATER_FORMS.turn(dice))]
    return [*before, first, *after, *(more if dice.chance(0.12 + 0.2 * person.need) else [])]


def _after_card(person: Person, named: int, dice: Dice) -> list[Visit]:
    after = midnight(local_day(named)) + 86_400
    visits = [
        Visit(_later(after, 45, dice), "learn", dice.between(1, 5))
        for _ in range(dice.count(1.6 * person.need))
    ]
    if dice.chance(0.05 + 0.16 * person.need):
        visits.append(
            Visit(_later(after, 40, dice), "learn", dice.between(1, 5), form=_FIRST_FORMS.turn(dice))
        )
    return visits


def _before_opportunity(person: Person, dice: Dice) -> list[Visit]:
    """Those about to buy read much, prices and cases first; two of three then write themselves."""
    if person.wants_on is None:
        return []
    ripe = midnight(person.wants_on)
    earliest = midnight(person.named_on) + 86_400
    visits = [
        Visit(_earlier(ripe, 25, dice), "decide", dice.between(2, 8)) for _ in range(1 + dice.count(2.5))
    ]
    if dice.chance(0.65):
        form = dice.pick(("inquiry", "quote", "inquiry"))
        visits.append(Visit(_earlier(ripe, 5, dice), "decide", dice.between(2, 5), form=form))
    return [visit for visit in visits if visit.moment >= earliest]


def _consumer(world: World, person: Person, dice: Dice) -> list[Visit]:
    named = home_moment(person.named_on, dice)
    form = dice.pick(("newsletter", "campaign", "newsletter"))
    visits = [Visit(named, "shop", dice.between(2, 6), form=form)]
    for _ in range(dice.count(1.5)):
        visits.append(
            Visit(named + int(dice.exponential(50) * 86_400), "shop", dice.between(2, 7), entry="/shop/")
        )
    return visits


def _jobseeker(world: World, person: Person, dice: Dice) -> list[Visit]:
    named = home_moment(person.named_on, dice)
    visits = [
        Visit(named - dice.between(1, 6) * 86_400, "job", dice.between(2, 5)) for _ in range(dice.count(1))
    ]
    return [*visits, Visit(named, "job", dice.between(2, 6), entry="/recruit/", form="recruit")]


def _vendor(world: World, person: Person, dice: Dice) -> list[Visit]:
    return [Visit(office_moment(person.named_on, dice), "learn", 1, entry="/company/", form="inquiry")]


def _customer(world: World, person: Person, dice: Dice) -> list[Visit]:
    named = office_moment(person.named_on, dice)
    return [
        Visit(_later(named, 120, dice), dice.pick(("learn", "decide")), dice.between(1, 4))
        for _ in range(dice.count(3))
    ]


def _earlier(moment: int, days: int, dice: Dice) -> int:
    """Some day before, seldom one on which the office is closed."""
    day = local_day(moment) - timedelta(days=dice.between(1, days))
    while is_closed(day) and dice.chance(0.8):
        day -= timedelta(days=1)
    return office_moment(day, dice)


def _later(moment: int, mean_days: float, dice: Dice) -> int:
    """Some day after, seldom one on which the office is closed."""
    day = local_day(moment) + timedelta(days=1 + int(dice.exponential(mean_days)))
    return office_moment(next_workday(day) if dice.chance(0.8) else day, dice)


def walk(
    world: World, person: Person, visit: Visit, device: Device | None = None, trouble: str | None = None
) -> None:
    """One visit of one person: arrival, pages, perhaps the shop, perhaps a form at the end."""
    dice = Dice(world.seed, "visit", person.key, visit.moment)
    device, trouble = (device, trouble) if device else _device(world, person, visit, dice)
    cookie = device.cookie_at(visit.moment)
    visitor = Visitor(
        device.address, cookie, device.user_agent, person.key, kind=person.kind, trouble=trouble
    )
    if visit.mail_token or visit.form:
        world.diary.tied.add(cookie)
    if visit.stage == "decide" and person.kind == "prospect":
        person.decides_at.append(visit.moment)
    moment, referrer, campaign = read_on(world, visitor, visit, person.product, person.solution, dice)
    if visit.stage == "shop":
        moment, referrer = _shop(world, person, visitor, moment, referrer, dice)
    if visit.form:
        page = visit.entry.partition("?")[0] if visit.entry.startswith("/download/") else ""
        pass_form(world, person, visitor, visit, moment, referrer, campaign, dice, page)


def _device(world: World, person: Person, visit: Visit, dice: Dice) -> tuple[Device, str | None]:
    """The office machine in office hours, the other one else; a borrowed one in a third of the visits."""
    hour = (visit.moment - midnight(local_day(visit.moment))) // 3600
    stays_late = dice.chance(0.12)
    if person.meets_kiosk and visit.form and not person.passes:
        person.struck_by("kiosk")
        return _kiosk(world, local_day(visit.moment)), "kiosk"
    borrows = Dice(world.seed, "trouble", "borrowing", person.key, visit.moment)
    if person.borrowed and borrows.chance(0.35):
        return person.borrowed[0], "shared_device"
    at_work = 8 <= hour < 19 and not stays_late
    suited = [device for device in person.devices if device.at_home is not at_work]
    device = (suited or person.devices)[0]
    return device, device.trouble


def _kiosk(world: World, day: date) -> Device:
    """The terminal in the lobby of the trade hall: one browser for whoever comes, wiped twice a year."""
    half = (day.year, day.month > 6)
    if half not in world.kiosks:
        rates = replace(device_rates(world.settings, world.calendar), cookie_refused=0.0, cookie_deleted=0.0)
        world.kiosks[half] = new_device(world.seed, ("kiosk", *half), "198.51.100.7", True, rates)
    return world.kiosks[half]


def read_on(
    world: World, visitor: Visitor, visit: Visit, product: str, solution: str, dice: Dice
) -> tuple[int, str, str]:
    """The page views of a visit with their assets; gives the moment after the last, its URL, the campaign."""
    moment = visit.moment
    month = month_name(local_day(moment))
    if visit.entry:
        target, referrer = visit.entry, "-"
    else:
        target, referrer = arrival(visit.stage, product, solution, month, dice)
    campaign = target.partition("utm_campaign=")[2].partition("&")[0]
    for number in range(max(1, visit.pages)):
        view(world, visitor, moment, target, referrer, dice, with_assets=number == 0)
        moment, referrer = moment + dice.pause(), world.site + target
        if number + 1 < visit.pages:
            target = next_page(visit.stage, product, solution, dice)
    return moment, referrer, campaign


def view(
    world: World, visitor: Visitor, moment: int, target: str, referrer: str, dice: Dice, *, with_assets: bool
) -> None:
    """One page request; the first of a visit also loads assets that the browser has not kept."""
    missing = dice.chance(0.006)
    path = target.replace("/blog/", "/blog/old-", 1) if missing and "/blog/" in target else target
    status = 404 if path != target else 200
    world.diary.request(
        moment, visitor, path, status=status, size=8_000 + dice.below(40_000), referrer=referrer
    )
    if with_assets and dice.chance(0.28):
        for asset in ASSETS[: dice.between(1, 3)]:
            fresh = dice.chance(0.7)
            world.diary.request(
                moment + 1 + dice.below(2),
                visitor,
                asset,
                status=200 if fresh else 304,
                size=20_000 + len(asset) * 997 if fresh else 0,
                referrer=world.site + target.partition("?")[0],
            )


FORM_PATHS = {
    "inquiry": ("/contact", "contact"),
    "quote": ("/quote", "quote"),
    "newsletter": ("/newsletter", "newsletter"),
    "survey": ("/survey", "survey"),
    "campaign": ("/campaign", "campaign"),
    "recruit": ("/recruit/entry", "recruit"),
}


def _form_of(world: World, kind: str, product: str, moment: int, dice: Dice) -> tuple[str, str, str]:
    """(kind, page, form id) of the form that is open at the moment; no seminar ahead means a download."""
    if kind == "seminar":
        day = local_day(moment)
        ahead = [seminar for seminar in world.campaigns.seminars if seminar.held_on > day]
        if ahead:
            return kind, f"/seminar/{ahead[0].seminar_id}", f"seminar-{ahead[0].seminar_id}"
        kind = "download"
    if kind == "download":
        slug = dice.pick(DOCUMENTS[product])
        return kind, f"/download/{slug}", f"download-{slug}"
    return kind, *FORM_PATHS[kind]


def pass_form(
    world: World,
    person: Person,
    visitor: Visitor,
    visit: Visit,
    moment: int,
    referrer: str,
    campaign: str,
    dice: Dice,
    page: str = "",
) -> None:
    """See the form, send it, be thanked; and the submission that the form keeps."""
    kind, path, form_id = _form_of(world, visit.form, person.product, moment, dice)
    if page:
        path, form_id = page, f"download-{page.rsplit('/', 1)[1]}"
    view(world, visitor, moment, path, referrer, dice, with_assets=False)
    sent = moment + 25 + dice.pause()
    here = world.site + path
    world.diary.request(sent, visitor, path, method="POST", status=303, size=120, referrer=here)
    world.diary.request(sent + 1, visitor, f"/thanks/{form_id}", size=6_200, referrer=here)
    if world.calendar.holds(sent):
        _submit(world, person, visitor, visit, sent, kind, path, form_id, campaign, dice)


def _submit(
    world: World,
    person: Person,
    visitor: Visitor,
    visit: Visit,
    moment: int,
    kind: str,
    path: str,
    form_id: str,
    campaign: str,
    dice: Dice,
) -> None:
    submission_id = f"s{Dice(world.seed, 'submission', person.key, moment).token(14)}"
    consent = kind == "newsletter" or (kind != "recruit" and dice.chance(0.72))
    product = person.product if kind in {"inquiry", "quote", "download", "seminar"} else ""
    typed = written(world, person, moment, note=kind != "newsletter")
    address = _typed_address(world, person, person.job_on(local_day(moment)).email, submission_id)
    row = {
        "submission_id": submission_id,
        "submitted_at": iso_time(moment),
        "form_id": form_id,
        "form_kind": kind,
        "visitor_id": "" if visitor.cookie == "-" else visitor.cookie,
        "ip": visitor.address,
        "page": path,
        "mid": visit.mail_token,
        "email": address,
        **typed.row,
        "product_id": product if kind in {"inquiry", "quote"} else "",
        "message": _message(kind, person, dice),
        "consent": consent,
        "consent_wording": CONSENT_WORDING,
        "campaign_id": campaign,
    }
    if kind == "newsletter":  # a short form: the address only
        row = {name: value for name, value in row.items() if name not in _LONG_FIELDS}
    is_own = address == person.job_on(local_day(moment)).email
    trouble = (None if is_own else "mistyped_address") or visitor.trouble
    if not trouble and kind != "newsletter":
        trouble = typed.trouble
    if is_own and world.befalls("width_variants", "address", submission_id):
        row["email"], trouble = names.full_width(address), trouble or "width_variants"
    world.diary.submissions.append(Submission(moment, {k: v for k, v in row.items() if v != ""}, person.key))
    passed = FormPass(moment, kind, form_id, product, campaign, consent, submission_id)
    _remember(world, person, passed, address, trouble, is_own=is_own)


_LONG_FIELDS = {"name", "name_kana", "company", "department", "position", "phone", "prefecture", "industry"}
DEEDS = {
    "inquiry": "inquiry", "download": "document_request", "seminar": "seminar_application",
    "quote": "quote_request", "newsletter": "newsletter_signup", "survey": "survey_answer",
    "campaign": "campaign_entry", "recruit": "recruit_entry",
}  # fmt: skip


def _remember(
    world: World, person: Person, passed: FormPass, address: str, trouble: str | None, *, is_own: bool
) -> None:
    """The truth of a form pass: the deed, whose it was, and what was agreed to for which address."""
    person.passes.append(passed)
    world.diary.deed(passed.moment, person.key, DEEDS[passed.kind])
    world.diary.identifiers.append(
        Identifier("submission", passed.submission_id, person.key, passed.moment, passed.moment, trouble)
    )
    if passed.kind != "recruit":
        status = "granted" if passed.consent else "denied"
        for channel in ("email", "phone"):  # the wording of the box names both
            world.diary.consents.append(
                Consent(passed.moment, person.key, address, channel, status, "form", trouble)
            )
    if is_own and person.kind != "jobseeker":
        person.permissions.append((passed.moment, passed.consent))


def _typed_address(world: World, person: Person, address: str, submission_id: str) -> str:
    """The person's address, or in a few cases a colleague's."""
    dice = Dice(world.seed, "trouble", "mistyped_address", submission_id)
    company = person.employments[0].company
    others = [one for one in world.colleagues.get(company.key, []) if one is not person] if company else []
    if others and dice.chance(world.trouble("mistyped_address")) and not person.is_heroine:
        other = dice.pick(others)
        for one in (person, other):
            one.struck_by("mistyped_address")
        return other.employments[0].email
    return address


def _message(kind: str, person: Person, dice: Dice) -> str:
    if kind == "recruit":
        return "採用について伺いたく応募いたします。"
    if person.kind == "vendor":
        return "弊社サービスのご提案でご連絡いたしました。お時間を頂戴できますでしょうか。"
    if kind not in {"inquiry", "quote"}:
        return ""
    return dice.pick(
        (
            f"{person.product}の導入を検討しています。概算費用を教えてください。",
            "来期の予算化に向けて情報を集めています。資料と事例をいただけますか。",
            "現在利用中の製品からの乗り換えを考えています。デモは可能でしょうか。",
            "社内で比較検討中です。導入までの期間を知りたいです。",
        )
    )


class Particulars(NamedTuple):
    """Somebody's particulars as typed on one occasion, and the first thing that is odd about them."""

    row: dict[str, str]
    trouble: str | None


def written(world: World, person: Person, moment: int, *, note: bool = True) -> Particulars:
    """The person's particulars as typed on one occasion: any of the usual spellings.

    Args:
        note: whether company and department are really shown, and so belong into the truth's spellings.
    """
    occasion, job, odd = (person.key, moment), person.job_on(local_day(moment)), []

    def respelled(trouble: str, text: str, spelling: Callable[[Dice], str]) -> str:
        dice = Dice(world.seed, "trouble", trouble, *occasion)
        other = spelling(dice) if text and dice.chance(world.trouble(trouble)) else text
        if other != text:
            odd.append(trouble)
        return other

    surname = respelled("old_kanji", person.surname, lambda dice: names.old_form(person.surname, dice))
    name = respelled(
        "width_variants", f"{surname} {person.given}", lambda d: names.written_name(surname, person.given, d)
    )
    kana = person.kana
    if "width_variants" in odd:
        kana = names.half_width_kana(kana) if ord(name[-1]) % 2 else kana.replace(" ", "")
    company = job.company
    company_name = department = ""
    if company:
        base = company.base_on(local_day(moment))
        if base != company.base and company.trouble:
            odd.append(company.trouble)
        company_name = respelled(
            "company_spelling",
            company.official(base),
            lambda dice: names.written_company(base, company.form_before, dice),
        )
        department = respelled("department_variants", job.department, lambda dice: _variant(job, dice))
    phone = respelled(
        "phone_variants",
        job.phone or person.mobile,
        lambda d: names.written_phone(job.phone or person.mobile, d),
    )
    if note and company:
        _note_spellings(world, person, company, company_name, department, job.department, odd)
    row = {
        "name": name,
        "name_kana": kana,
        "company": company_name,
        "department": department,
        "position": job.position,
        "phone": phone,
        "prefecture": company.prefecture.name if company else "",
        "industry": company.industry if company else "",
    }
    return Particulars(row, odd[0] if odd else (person.troubles[0] if "homonym" in person.troubles else None))


def _variant(job: Employment, dice: Dice) -> str:
    return dice.pick(names.DEPARTMENT_VARIANTS[job.department])


def _note_spellings(
    world: World, person: Person, company: Company, name: str, department: str, official: str, odd: list[str]
) -> None:
    of_names = [one for one in odd if one.startswith("company_")]
    world.diary.spellings.setdefault((company.key, name), of_names[-1] if of_names else None)
    if department:
        world.diary.departments[department] = official


def _shop(
    world: World, person: Person, visitor: Visitor, moment: int, referrer: str, dice: Dice
) -> tuple[int, str]:
    """Look at an article, put it into the cart, order it in six of ten cases."""
    sku = dice.pick(tuple(SKUS))
    moment, referrer = _to_cart(world, visitor, moment, referrer, sku, dice)
    if dice.chance(0.6) and world.calendar.holds(moment):
        product, price = SKUS[sku]
        amount = price * dice.between(1, 3)
        order = {
            "order_id": f"S{Dice(world.seed, 'shop order', person.key, moment).token(9)}",
            "email": person.job_on(local_day(moment)).email,
            "product_id": product,
            "amount_jpy": amount,
            "gross_margin_jpy": amount * 2 // 5,
            "ordered_at": iso_time(moment),
            "updated_at": iso_time(moment),
        }
        world.diary.record("orders", moment, order)
        note_order(world, person, order["order_id"], moment, amount)
    return moment + 40, referrer


def note_order(world: World, person: Person, order_id: str, moment: int, amount: int) -> None:
    """The truth of an order."""
    world.diary.deed(moment, person.key, "order_placed")
    world.diary.identifiers.append(Identifier("order", order_id, person.key, moment, moment))
    world.diary.orders.append(
        {"order_id": order_id, "person_key": person.key, "ordered_at": moment, "amount_jpy": amount}
    )


def _to_cart(
    world: World, visitor: Visitor, moment: int, referrer: str, sku: str, dice: Dice
) -> tuple[int, str]:
    article = f"/shop/{sku}"
    view(world, visitor, moment, article, referrer, dice, with_assets=False)
    moment += dice.pause()
    here = world.site + article
    world.diary.deed(moment, visitor.person_key, "cart_add")
    world.diary.request(moment, visitor, f"/cart/add?sku={sku}", status=302, size=90, referrer=here)
    return moment + dice.pause(), here


def wander(world: World) -> None:
    """The many who never tell their name: mostly one visit of one or two pages, some return."""
    population, growth = world.settings["population"], world.settings["growth"]
    total = int(len(world.people) * population["anonymous_per_person"])
    weights = world.calendar.weights(growth["visitors"], 0.45)
    for day, how_many in zip(world.calendar.days, world.calendar.spread(total, weights), strict=True):
        dice = Dice(world.seed, "anonymous", day)
        refusing = Dice(world.seed, "trouble", "cookie_refused", day)
        for _ in range(how_many):
            _stranger(world, day, dice, refused=refusing.chance(world.trouble("cookie_refused")))


_DEPTHS = Wheel({1: 62, 2: 19, 3: 9, 4: 5, 5: 3, 8: 2})


def _stranger(world: World, day: date, dice: Dice, *, refused: bool) -> None:
    at_home = dice.chance(0.45)
    agent = dice.pick(HOME_AGENTS if at_home else OFFICE_AGENTS)
    at_client = not at_home and dice.chance(0.5)
    address = dice.pick(world.companies).office_address if at_client else home_address(dice)
    cookie = "v" + dice.token(15)
    visitor = Visitor(
        address, "-" if refused else cookie, agent, trouble="cookie_refused" if refused else None
    )
    product, stage = dice.pick(PRODUCTS), "shop" if at_home and dice.chance(0.12) else "learn"
    moments = [home_moment(day, dice) if at_home else office_moment(day, dice)]
    while dice.chance(0.13):
        back = local_day(moments[-1]) + timedelta(days=1 + int(dice.exponential(12)))
        moments.append(office_moment(back, dice))
    for moment in moments:
        end, referrer, _ = read_on(
            world, visitor, Visit(moment, stage, _DEPTHS.turn(dice)), product, "", dice
        )
        if stage == "shop" and dice.chance(0.15):
            _to_cart(world, visitor, end, referrer, dice.pick(tuple(SKUS)), dice)
