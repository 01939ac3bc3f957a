"""The mails that marketing sends: who gets them, and what people and machines do with them.

Each mail to each recipient has one opaque token (`mid`); clicking leads to the site with that token, on the
cookie of whoever clicked. Mail gates click too, about when the mail is delivered, and Apple's proxy opens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .behaviour import Visit, World, view, walk
from .campaigns import Mailing
from .clock import DAY, local_day, midnight
from .diary import Consent, Identifier, Visitor
from .dice import Dice
from .people import Person

_GATE_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36"
)


@dataclass(frozen=True)
class Letter:
    """One mail to one person."""

    mailing: Mailing
    person: Person
    address: str
    token: str
    message_id: str
    sent_at: int


def send_mails(world: World) -> None:
    """Send every mailing, in order of time, to everybody who may be written to then."""
    for mailing in world.campaigns.mailings:
        addresses: set[str] = set()
        for person in world.people:
            address = _address(person, mailing.sent_at)
            if address and address not in addresses:
                addresses.add(address)
                _deliver(world, _letter(world, mailing, person, address))


def _address(person: Person, moment: int) -> str:
    """The address that marketing knows, '' when it must not or cannot write."""
    since = person.permitted_since(moment)
    return "" if since is None else person.job_on(local_day(since)).email


def _letter(world: World, mailing: Mailing, person: Person, address: str) -> Letter:
    dice = Dice(world.seed, "letter", mailing.campaign_id, person.key)
    sent = mailing.sent_at + dice.below(900)
    return Letter(mailing, person, address, "m" + dice.token(19), dice.token(22), sent)


def _deliver(world: World, letter: Letter) -> None:
    dice = Dice(world.seed, "mail", letter.mailing.campaign_id, letter.person.key)
    person, arrived = letter.person, letter.sent_at + 1 + dice.below(7)
    world.diary.identifiers.append(
        Identifier("mail_token", letter.token, person.key, letter.sent_at, letter.sent_at)
    )
    _event(world, letter, letter.sent_at, "processed", None)
    if _bounces(person, letter):
        reason = {"reason": "550 5.1.1 user unknown", "status": "5.1.1", "type": "bounce"}
        _event(world, letter, arrived, "bounce", None, **reason)
        person.permissions.append((arrived, False))
        return
    _event(world, letter, arrived, "delivered", None, response="250 2.0.0 OK")
    person.letters += 1
    _machines(world, letter, arrived)
    if not _gives_up(world, letter, arrived + 3600):
        _human(world, letter, arrived, dice)


def _gives_up(world: World, letter: Letter, moment: int) -> bool:
    """Whoever feels pressed leaves at the third mail or soon after, without reading it."""
    person = letter.person
    if not person.is_under_pressure or person.is_heroine or person.letters < 3:
        return False
    if Dice(world.seed, "trouble", "giving up", letter.token).chance(0.6) and world.calendar.holds(moment):
        _unsubscribe(world, letter, moment, "unsubscribe", "unsubscribe_under_pressure")
        person.struck_by("unsubscribe_under_pressure")
        return True
    return False


def _bounces(person: Person, letter: Letter) -> bool:
    """A mistyped address, or that of an employer the person has left."""
    return person.address_is_dead or person.job_on(local_day(letter.sent_at)).email != letter.address


def _machines(world: World, letter: Letter, arrived: int) -> None:
    dice = Dice(world.seed, "mail machines", letter.token)
    company = letter.person.employments[0].company
    if company is not None and company.has_mail_gate and letter.address.endswith(company.domain):
        _gate(world, letter, arrived, dice)
        letter.person.struck_by("link_scanner")
    if letter.person.has_proxy:
        dice = Dice(world.seed, "proxy", letter.token)
        opened = arrived + 2 + dice.below(1800)
        proxy = {"useragent": "Mozilla/5.0", "ip": f"192.0.2.{dice.between(20, 60)}", "sg_machine_open": True}
        _event(world, letter, opened, "open", "privacy_proxy", **proxy)


def _gate(world: World, letter: Letter, arrived: int, dice: Dice) -> None:
    """The company's gate follows every link, often a second before the mail counts as delivered."""
    cookie = "v" + dice.token(15) if dice.chance(0.3) else "-"
    visitor = Visitor(
        f"192.0.2.{dice.between(100, 120)}", cookie, _GATE_AGENT, None, True, "link_scanner", "link_scanner"
    )
    for link in letter.mailing.links:
        moment = arrived + dice.between(-1, 1)
        seen = {"url": world.site + _tagged(link, letter), "useragent": _GATE_AGENT, "ip": visitor.address}
        _event(world, letter, moment, "click", "link_scanner", **seen)
        view(world, visitor, moment, _tagged(link, letter), "-", dice, with_assets=False)


def _tagged(link: str, letter: Letter) -> str:
    tags = f"utm_source=newsletter&utm_medium=email&utm_campaign={letter.mailing.campaign_id}"
    return f"{link}?mid={letter.token}&{tags}"


def _human(world: World, letter: Letter, arrived: int, dice: Dice) -> None:
    person, rates = letter.person, world.settings["mail"]
    interest = 0.4 + person.need + (0.4 if letter.mailing.product == person.product else 0.0)
    if not dice.chance(rates["human_open"] * interest):
        return
    opened = _waking(arrived + 60 + int(dice.exponential(6 * 3600)))
    device = person.devices[0]
    seen = {"useragent": device.user_agent, "ip": device.address}
    if not person.has_proxy:
        _event(world, letter, opened, "open", "", sg_machine_open=False, **seen)
    _leaves(world, letter, opened + 20)
    if dice.chance(rates["human_click_of_opened"] * interest):
        _click(world, letter, person, opened + 4 + dice.below(120), dice)


def _waking(moment: int) -> int:
    """The moment itself, or the morning after when it falls between midnight and seven."""
    hour = (moment - midnight(local_day(moment))) // 3600
    return moment + 8 * 3600 if hour < 7 else moment


def _click(
    world: World, letter: Letter, reader: Person, moment: int, dice: Dice, by: Person | None = None
) -> None:
    """A click, the visit it leads to, and perhaps a colleague to whom the mail was forwarded."""
    actor, trouble = by or reader, "forwarded_mail" if by else None
    link = dice.pick(letter.mailing.links)
    device = actor.devices[0]
    seen = {"url": world.site + _tagged(link, letter), "useragent": device.user_agent, "ip": device.address}
    _event(world, letter, moment, "click", "", actor, trouble, **seen)
    world.diary.deed(moment, actor.key, "email_clicked")
    form = ""
    if link.startswith(("/download/", "/seminar/")) and dice.chance(0.2 + 0.3 * actor.need):
        form = "download" if link.startswith("/download/") else "seminar"
    visit = Visit(moment + 1, "learn", dice.between(1, 4), _tagged(link, letter), form, letter.token)
    walk(world, actor, visit, device, trouble or device.trouble)
    if by is None:
        _forward(world, letter, reader, moment)


def _forward(world: World, letter: Letter, reader: Person, moment: int) -> None:
    dice = Dice(world.seed, "trouble", "forwarded", letter.token)
    company = reader.job_on(local_day(moment)).company
    others = [one for one in world.colleagues.get(company.key, []) if one is not reader] if company else []
    if others and dice.chance(world.trouble("forwarded_mail")):
        colleague = dice.pick(others)
        world.forwarded.add(letter.token)
        for one in (reader, colleague):
            one.struck_by("forwarded_mail")
        _click(world, letter, reader, _waking(moment + 600 + dice.below(DAY)), dice, colleague)


def _leaves(world: World, letter: Letter, moment: int) -> None:
    """Unsubscribing and complaining: no mail after it."""
    dice = Dice(world.seed, "leaving", letter.token)
    for event, rate in (("unsubscribe", "unsubscribe"), ("spamreport", "spam_report")):
        if dice.chance(world.settings["mail"][rate]) and world.calendar.holds(moment):
            _unsubscribe(world, letter, moment, event, None)
            return


def _unsubscribe(world: World, letter: Letter, moment: int, event: str, trouble: str | None) -> None:
    _event(world, letter, moment, event, "", trouble=trouble)
    letter.person.permissions.append((moment, False))
    world.diary.consents.append(
        Consent(moment, letter.person.key, letter.address, "email", "denied", event, trouble)
    )


def _event(
    world: World,
    letter: Letter,
    moment: int,
    event: str,
    machine_kind: str | None,
    actor: Person | None = None,
    trouble: str | None = None,
    **more: Any,
) -> None:
    """Note an event; `machine_kind` is '' for a human's, None for the mail service's own."""
    row = {
        "email": letter.address,
        "timestamp": moment,
        "event": event,
        "sg_event_id": Dice(world.seed, "event", letter.token, event, moment, more.get("url")).token(22),
        "sg_message_id": f"{letter.message_id}.filterdrecv-0001",
        "category": [letter.mailing.purpose],
        "mid": letter.token,
        "campaign_id": letter.mailing.campaign_id,
        "purpose": letter.mailing.purpose,
        **more,
    }
    actor_key = (actor or letter.person).key if machine_kind == "" else None
    is_machine = None if machine_kind is None else bool(machine_kind)
    world.diary.mail_event(
        row, letter.person.key, actor_key, is_machine, machine_kind or None, trouble or machine_kind or None
    )
