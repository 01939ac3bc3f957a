"""What other desks of the company note: answers on paper, lists of letters and calls, tickets, points, posts.

    people, exhibitions, form passes, orders -> diary.desks (kind of row -> its rows), deeds

Nothing here moves anybody's wish to buy; an answer tells what is hidden in the person, as far as people do.
Each subject rolls dice of its own, and the heroine is left alone: her story is the documentation's.
"""

from __future__ import annotations

from datetime import date, timedelta

from .behaviour import World, written
from .clock import iso_time, local_day, midnight, month_name, next_workday, sales_moment
from .dice import Dice, Wheel
from .people import Person

QUESTIONS = {
    "budget": "導入のご予算は",
    "authority": "ご選定でのお立場は",
    "need": "課題の緊急度は",
    "timeline": "ご導入の時期は",
}
_TICKETS = Wheel({"question": 55, "fault": 20, "request": 15, "complaint": 7, "cancellation": 3})
_SUBJECTS = {
    "question": ("使い方について", "画面の見方を教えてください"),
    "fault": ("動かない", "昨日から開けません"),
    "request": ("要望", "一覧をCSVで出したい"),
    "complaint": ("対応について", "返事が遅すぎます"),
    "cancellation": ("解約について", "手続きを教えてください"),
}
_LETTERS = Wheel({"dm": 60, "fax": 15, "call": 25})
_POSTS = Wheel({"follow": 40, "like": 35, "share": 10, "comment": 10, "message": 5})
_NETWORKS = ("linkedin", "facebook", "x")
_TIMELINES = ((90, "3か月以内"), (180, "6か月以内"), (365, "1年以内"))


def note(world: World) -> None:
    """Everything the other desks leave behind; sales and behaviour have happened before."""
    for person in world.people:
        if not person.is_heroine:
            _answer(world, person)
            _write_to(world, person)
            _serve(world, person)
            _post(world, person)
    _collect_points(world)
    _experiment(world)
    _plan_budgets(world)


def _answer(world: World, person: Person) -> None:
    """A sheet with four questions, filled in by one of three at the stand; some questions stay blank."""
    dice = Dice(world.seed, "questionnaire", person.key)
    if person.exhibition is None or not dice.chance(0.35):
        return
    moment, show = midnight(person.named_on), person.exhibition.campaign_id
    typed, _ = written(world, person, moment + 7)
    said = _said(person, dice)
    for question, answer in said.items():
        row = {
            "answer_id": f"{show}-{person.key[1:]}-{question}",
            "survey_id": show,
            "survey_name": "来場者アンケート",
            "question_id": question,
            "question": QUESTIONS[question],
            "answer": answer,
            "answered_at": person.named_on.isoformat(),
            "email": person.job_on(person.named_on).email if dice.chance(0.6) else "",
            **{name: typed[name] for name in ("name", "company", "department", "position", "phone")},
            "campaign_id": show,
            "product_id": person.product if dice.chance(0.7) else "",
        }
        world.diary.note("surveys", moment, row)
    if said:
        world.diary.deed(moment, person.key, "survey_reply")


def _said(person: Person, dice: Dice) -> dict[str, str]:
    """The answers, truer the sooner the person wants to buy; a blank has no entry."""
    days = (person.wants_on - person.named_on).days if person.wants_on else 9999
    timeline = next((text for limit, text in _TIMELINES if days <= limit), "未定")
    keen = days <= 365
    answers = {
        "budget": dice.pick(("確保済み", "申請中") if keen else ("これから", "これから", "なし")),
        "authority": _authority(person),
        "need": "すぐに解決したい"
        if person.need > 0.62
        else "課題がある"
        if person.need > 0.35
        else "特にない",
        "timeline": timeline if dice.chance(0.75) else "未定",
    }
    return {question: answer for question, answer in answers.items() if dice.chance(0.8)}


def _authority(person: Person) -> str:
    position = person.job_on(person.named_on).position
    if any(word in position for word in ("部長", "役員", "取締役", "社長")):
        return "決裁する"
    return "推薦する" if "長" in position or "主任" in position else "情報を集める"


def _write_to(world: World, person: Person) -> None:
    """Letters, faxes and calls of the call centre, listed by those who sent them: nobody's reaction.

    They go where the person was first met: the call centre knows no later name of a company and no new job.
    """
    dice = Dice(world.seed, "letters", person.key)
    if person.kind not in {"prospect", "customer"}:
        return
    day = met_on = person.named_on
    for number in range(dice.count(0.5)):
        day = next_workday(day + timedelta(days=dice.between(20, 90)))
        kind, moment = _LETTERS.turn(dice), sales_moment(day, dice)
        typed, _ = written(world, person, midnight(met_on) + 11 + number)
        row = {
            "touch_id": f"T{person.key[1:]}-{number}",
            "touch_type": {"dm": "ダイレクトメール", "fax": "FAX", "call": "架電"}[kind],
            "occurred_at": iso_time(moment) if kind == "call" else day.isoformat(),
            "direction": "発信",
            "outcome": dice.pick(("通話", "不在")) if kind == "call" else "",
            "subject": "製品案内",
            "email": person.job_on(met_on).email if dice.chance(0.5) else "",
            **{name: typed[name] for name in ("name", "company", "department", "phone", "prefecture")},
            "campaign_id": f"dm-{month_name(day)}",
            "product_id": person.product,
        }
        world.diary.note("touches", moment, row)


def _serve(world: World, person: Person) -> None:
    """Tickets of those who have bought."""
    bought = [order["ordered_at"] for order in world.diary.orders if order["person_key"] == person.key]
    dice = Dice(world.seed, "tickets", person.key)
    for number in range(dice.count(0.8) if bought else 0):
        day = next_workday(local_day(min(bought)) + timedelta(days=dice.between(3, 120)))
        moment, kind = sales_moment(day, dice), _TICKETS.turn(dice)
        subject, message = _SUBJECTS[kind]
        row = {
            "ticket_id": f"K{person.key[1:]}-{number}",
            "ticket_kind": kind,
            "subject": subject,
            "message": message,
            "status": "closed",
            "opened_at": iso_time(moment),
            "closed_at": iso_time(moment + dice.between(1, 72) * 3600),
            "updated_at": iso_time(moment + 72 * 3600),
            "email": person.job_on(day).email,
            "name": person.name,
            "product_id": person.product,
        }
        world.diary.note("tickets", moment, row)


def _post(world: World, person: Person) -> None:
    """A few follow the company where they also have an account; the network tells the address to some."""
    dice = Dice(world.seed, "posts", person.key)
    if person.kind not in {"prospect", "consumer"} or not dice.chance(0.06):
        return
    day, network, account = person.named_on, dice.pick(_NETWORKS), f"@{dice.token(8)}"
    for _ in range(1 + dice.count(1.0)):
        day += timedelta(days=dice.between(1, 60))
        moment = midnight(day) + dice.between(8 * 3600, 23 * 3600)
        row = {
            "touch_id": f"X{dice.token(10)}",
            "network": network,
            "touch_type": _POSTS.turn(dice),
            "occurred_at": iso_time(moment),
            "account": account,
            "name": person.name,
            "email": person.job_on(day).email,
            "url": f"https://social.example/{network}/{dice.token(6)}",
            "product_id": person.product,
        }
        world.diary.note("social", moment, row)


def _collect_points(world: World) -> None:
    """One point for each hundred yen of an order of the shop, some of them used with a later order."""
    people = {person.key: person for person in world.people}
    for order in world.diary.orders:
        if not order["order_id"].startswith("S"):
            continue
        person, moment = people[order["person_key"]], order["ordered_at"]
        given = order["amount_jpy"] // 100
        dice = Dice(world.seed, "points", order["order_id"])
        bookings = [("purchase", given, 60), *([("redeem", -(given // 2), 120)] if dice.chance(0.2) else [])]
        for reason, points, wait in bookings:
            row = {
                "entry_id": f"P{order['order_id'][1:]}-{reason}",
                "member_id": f"M{person.key[1:]}",
                "points": points,
                "reason": reason,
                "order_id": order["order_id"],
                "order_jpy": order["amount_jpy"],
                "occurred_at": iso_time(moment + wait),
                "email": person.job_on(local_day(moment)).email,
            }
            world.diary.note("points", moment, row)


def _experiment(world: World) -> None:
    """Two versions of the page above each download form, drawn by the cookie, over the last half year."""
    start = midnight(world.calendar.last - timedelta(days=180))
    for sent in sorted(world.diary.submissions, key=lambda one: (one.moment, one.row["submission_id"])):
        cookie = sent.row.get("visitor_id")
        if sent.moment < start or sent.row.get("form_kind") != "download" or not cookie:
            continue
        row = {
            "experiment_id": f"download-page-{world.calendar.last.year}",
            "variant": Dice(world.seed, "variant", cookie).pick("AB"),
            "assigned_at": iso_time(sent.moment - 90),
            "visitor_id": cookie,
        }
        world.diary.note("ab", sent.moment - 90, row)


def _plan_budgets(world: World) -> None:
    """What each campaign might cost, planned at the year's beginning in round numbers."""
    plans: dict[tuple[str, str, str, str, date], int] = {}
    for cost in world.campaigns.costs:
        place = (cost.campaign_id, cost.name, cost.channel, cost.kind, cost.day.replace(day=1))
        plans[place] = plans.get(place, 0) + cost.amount_jpy
    for (campaign, name, channel, kind, month), spent in sorted(plans.items()):
        dice = Dice(world.seed, "budget", campaign, kind, month)
        row = {
            "campaign_id": campaign,
            "campaign_name": name,
            "channel": channel,
            "cost_kind": kind,
            "budget_month": month_name(month),
            "budget_jpy": max(10_000, round(spent * (0.85 + 0.3 * dice.random()) / 10_000) * 10_000),
        }
        world.diary.note("budgets", midnight(max(month, world.calendar.first)), row)
