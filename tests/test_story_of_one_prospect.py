"""One prospect, from her card to one row in the sales tool (TL02, SATORI's example).

佐藤 美咲 gives her card at the exhibition, reads the site without a name, requests a document, follows a mail
to a case study and asks for a quote. Every trace is a file as a company has it. The warehouse must make her
one person with one timeline, explain her score to the digit, give her one owner, and send the receiver one
row, once.
"""

import json
from collections.abc import Iterator
from decimal import Decimal

import duckdb
import pytest
from activation_receiver import SECRET, receiver_running
from landed_files import land

from orchestration import activate
from orchestration.home import Home, Settings
from orchestration.run import run

BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0 Safari/537.36"
MAIL = "misaki.sato@mitsuba.example.jp"

CARDS = "\r\n".join(
    [
        "会社名,部署名,役職,姓,名,e-mail,TEL会社,携帯電話,名刺交換日",
        f"㈱三つ葉化学,情報システム部,課長,佐藤,美咲,{MAIL},03-1234-5678,090-1111-2222,2026/06/18",
        "",
    ]
).encode("cp932")


def log_line(at: str, path: str, referrer: str = "-", cookie: str = "v-misaki") -> str:
    return (
        f'198.51.100.7 - - [{at} +0900] "GET {path} HTTP/1.1" 200 5120 "{referrer}" "{BROWSER}" "{cookie}"\n'
    )


LOG = "".join(
    [
        log_line("20/Jun/2026:22:10:00", "/", "https://www.google.com/"),
        log_line("20/Jun/2026:22:12:00", "/price/"),
        log_line("24/Jun/2026:10:20:00", "/download/guide"),
        log_line("24/Jun/2026:10:26:00", "/thanks/download-guide"),
        log_line("30/Jun/2026:14:05:00", "/case/yamato?mid=tok1&utm_medium=email"),
        log_line("01/Jul/2026:09:00:00", "/quote"),
        log_line("01/Jul/2026:09:00:00", "/price/", cookie="v-somebody-else"),
    ]
)


def form(submission: str, at: str, kind: str, form_id: str) -> dict:
    person = {
        "email": "Misaki.Sato@mitsuba.example.jp",
        "name": "佐藤　美咲",
        "phone": "０９０－１１１１－２２２２",
    }
    company = {
        "company": "株式会社三つ葉化学",
        "department": "情報システム部",
        "prefecture": "東京都",
        "industry": "製造業",
    }
    return {
        **{"submission_id": submission, "submitted_at": at, "form_kind": kind, "form_id": form_id},
        **{"visitor_id": "v-misaki", "consent": True, "consent_wording": "v1", "product_id": "analytics"},
        **person,
        **company,
    }


FORMS = [
    form("s1", "2026-06-24T10:25:00+09:00", "download", "download-guide"),
    form("s2", "2026-07-01T09:05:00+09:00", "quote", "quote"),
]
MAILS = [
    {
        "email": MAIL,
        "timestamp": 1782790000,
        "event": "delivered",
        "sg_event_id": "e1",
        "sg_message_id": "m1",
        "mid": "tok1",
    },
    {
        "email": MAIL,
        "timestamp": 1782795880,
        "event": "click",
        "sg_event_id": "e2",
        "sg_message_id": "m1",
        "mid": "tok1",
    },
]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("prospect")
    land(folder, "lists/expo-2026-06/cards.csv", CARDS)
    land(folder, "web/www/access.log", LOG)
    land(
        folder,
        "forms/site/forms.jsonl",
        "".join(json.dumps(each, ensure_ascii=False) + "\n" for each in FORMS),
    )
    land(folder, "email/sendgrid/events.json", json.dumps(MAILS))
    home = Home(folder)
    run(home, Settings(), as_of="2026-07-02", say=lambda line: None)
    return home


@pytest.fixture(scope="module")
def serving(home: Home) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        yield connection


def test_her_traces_are_one_person(serving: duckdb.DuckDBPyConnection) -> None:
    people = serving.sql(
        "select display_name, email, phone, company_name, department_category from identity.dim_people"
    )
    assert people.fetchall() == [("佐藤　美咲", MAIL, "+819011112222", "株式会社三つ葉化学", "it")]


def test_her_timeline_tells_card_then_document_then_case_study(serving: duckdb.DuckDBPyConnection) -> None:
    deeds = serving.sql(
        "select touch_type, time_precision, was_anonymous from reporting.rpt_lead_timeline "
        "where touch_type <> 'page_view' order by occurred_at"
    ).fetchall()
    assert deeds == [
        ("card_exchanged", "day", False),
        ("price_view", "second", True),  # before the browser was known to be hers, dated at its true time
        ("document_view", "second", True),
        ("document_request", "second", False),
        ("email_clicked", "second", False),
        ("case_study_view", "second", False),
        ("quote_request", "second", False),
    ]


def test_the_stranger_who_read_the_price_list_stays_a_stranger(serving: duckdb.DuckDBPyConnection) -> None:
    strangers = serving.sql(
        "select person_id from behaviour.fct_touches where visitor_id = 'v-somebody-else'"
    )
    assert strangers.fetchall() == [(None,)]


def test_her_score_is_the_sum_of_rules_she_can_be_shown(serving: duckdb.DuckDBPyConnection) -> None:
    total, fit, behaviour = serving.sql(
        "select total_score, fit_score, behaviour_score from scoring.fct_lead_scores"
    ).fetchone()
    points = dict(
        serving.sql("select rule_id, sum(points) from reporting.rpt_lead_points group by 1").fetchall()
    )
    assert sum(points.values(), Decimal(0)) == total == fit + behaviour
    assert points["fit_dept_it"] == Decimal("1.5")
    assert points["quote_request"] == (Decimal(30) * Decimal(0.5 ** (1 / 60))).quantize(Decimal("0.000001"))


def test_she_has_one_owner_and_the_rule_says_why(serving: duckdb.DuckDBPyConnection) -> None:
    routes = serving.sql(
        "select owner_unit_id, trigger_touch_type, why from routing.fct_lead_routes"
    ).fetchall()
    assert len(routes) == 1
    owner, trigger, why = routes[0]
    assert owner == "prod-analytics"
    assert trigger == "quote_request"
    assert why


def test_the_receiver_gets_her_once(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver_running() as receiver:
        monkeypatch.setenv("IKUSEI_WEBHOOK_URL", receiver.url)
        monkeypatch.setenv("IKUSEI_WEBHOOK_SECRET", SECRET)
        for _ in range(2):
            activate.apply(home, only="webhook_routed_leads")
    # Nobody of prod-analytics said a word for a working day: the unit that stands in is told.
    assert [row["owner_unit_id"] for row in receiver.state.values()] == ["inside-sales"]
    assert len(receiver.bodies) == 1, "the second apply sent something"
    assert receiver.bad_signatures == 0
