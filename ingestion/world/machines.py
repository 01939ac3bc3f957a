"""Traffic that no customer makes: crawlers with a name, one scanner without, and the company's own staff."""

from __future__ import annotations

from datetime import date

from .behaviour import Visit, World, read_on, view
from .clock import home_moment, iso_time, midnight, office_moment
from .diary import Identifier, Submission, Visitor
from .dice import Dice, Wheel
from .people import OFFICE_AGENTS
from .site import BLOG, CASES, DOCUMENTS, PRODUCTS, next_page

_CRAWLERS = Wheel(
    {
        ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "192.0.2.2"): 40,
        ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "192.0.2.3"): 25,
        ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "192.0.2.4"): 20,
        ("ExampleUptimeMonitor/2.1", "192.0.2.7"): 6,
        ("curl/8.5.0", "192.0.2.5"): 7,
        ("python-requests/2.32.3", "192.0.2.6"): 8,
    }
)
_HIDDEN_AGENT = (
    "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/79.0.3945.88 Safari/537.36"
)
_HIDDEN_ADDRESS = "192.0.2.200"
_STAFF = 6


def every_page() -> list[str]:
    """The pages a crawler knows."""
    pages = ["/", "/price/", "/faq/", "/company/", "/contact", "/seminar/", "/recruit/", "/sitemap.xml"]
    for product in PRODUCTS:
        pages.append(f"/products/{product}/")
        pages += [f"/blog/{slug}" for slug in BLOG[product]] + [f"/case/{slug}" for slug in CASES[product]]
        pages += [f"/download/{slug}" for slug in DOCUMENTS[product]]
    return pages


def run_machines(world: World) -> None:
    """Every day's crawlers, scanner nights and staff visits."""
    pages = every_page()
    devices = _staff_cookies(world)
    for day in world.calendar.days:
        _crawl(world, day, pages)
        _scan(world, day, pages)
        _staff(world, day, devices)


def _crawl(world: World, day: date, pages: list[str]) -> None:
    dice = Dice(world.seed, "trouble", "named_crawler", day)
    for _ in range(dice.count(world.trouble("named_crawler"))):
        agent, address = _CRAWLERS.turn(dice)
        kind = "monitor" if "Monitor" in agent else "named_crawler"
        crawler = Visitor(address, "-", agent, None, True, kind, "named_crawler")
        moment = home_moment(day, dice)
        if dice.chance(0.5):
            world.diary.request(moment, crawler, "/robots.txt", size=180)
        for _ in range(dice.between(2, 8)):
            moment += dice.between(1, 40)
            status = 304 if dice.chance(0.2) else 200
            size = 0 if status == 304 else 9_000 + dice.below(30_000)
            world.diary.request(moment, crawler, dice.pick(pages), status=status, size=size)


def _scan(world: World, day: date, pages: list[str]) -> None:
    """A browser's name, one address, a new cookie each night, a page a second, doors that are not there."""
    dice = Dice(world.seed, "trouble", "hidden_crawler", day)
    if not dice.chance(world.trouble("hidden_crawler")):
        return
    cookie = "v" + dice.token(15)
    scanner = Visitor(_HIDDEN_ADDRESS, cookie, _HIDDEN_AGENT, None, True, "hidden_crawler", "hidden_crawler")
    moment = midnight(day) + 2 * 3600 + dice.below(2 * 3600)
    for _ in range(dice.between(40, 100)):
        moment += dice.below(2)
        if dice.chance(0.15):
            door = dice.pick(("/wp-login.php", "/.env", "/admin/", "/phpmyadmin/index.php"))
            world.diary.request(moment, scanner, door, status=404, size=512)
        else:
            world.diary.request(moment, scanner, dice.pick(pages), size=9_000 + dice.below(30_000))


def _staff_cookies(world: World) -> list[Visitor]:
    addresses = world.settings["company"]["office_addresses"]
    staff = []
    for number in range(_STAFF):
        dice = Dice(world.seed, "staff", number)
        agent = dice.pick(OFFICE_AGENTS)
        address = addresses[number % len(addresses)]
        staff.append(
            Visitor(address, "v" + dice.token(15), agent, f"staff{number}", False, "own_staff", "own_staff")
        )
    return staff


def _staff(world: World, day: date, staff: list[Visitor]) -> None:
    dice = Dice(world.seed, "trouble", "own_staff", day)
    visits = dice.count(world.trouble("own_staff") * (0.1 if day.weekday() >= 5 else 1.0))
    for _ in range(visits):
        visitor, moment = dice.pick(staff), office_moment(day, dice)
        product = dice.pick(PRODUCTS)
        end, referrer, _ = read_on(
            world, visitor, Visit(moment, "compare", dice.between(1, 6), "/"), product, "", dice
        )
        if dice.chance(world.settings["population"]["staff_form_tests"]):
            _test_form(world, visitor, end, referrer, dice)
        elif dice.chance(0.2):
            view(
                world, visitor, end, next_page("decide", product, "", dice), referrer, dice, with_assets=False
            )


def _test_form(world: World, visitor: Visitor, moment: int, referrer: str, dice: Dice) -> None:
    view(world, visitor, moment, "/contact", referrer, dice, with_assets=False)
    sent, here = moment + 40, f"{world.site}/contact"
    world.diary.request(sent, visitor, "/contact", method="POST", status=303, size=120, referrer=here)
    world.diary.request(sent + 1, visitor, "/thanks/contact", size=6_200, referrer=here)
    if not world.calendar.holds(sent):
        return
    company = world.settings["company"]
    row = {
        "submission_id": f"s{dice.token(14)}",
        "submitted_at": iso_time(sent),
        "form_id": "contact",
        "form_kind": "inquiry",
        "visitor_id": visitor.cookie,
        "ip": visitor.address,
        "page": "/contact",
        "email": f"test@{company['domain']}",
        "name": "テスト 太郎",
        "company": company["name"],
        "message": "動作確認のテスト送信です。",
        "consent": False,
    }
    world.diary.submissions.append(Submission(sent, row, visitor.person_key))
    world.diary.identifiers.append(
        Identifier("submission", row["submission_id"], visitor.person_key, sent, sent, "own_staff")
    )
