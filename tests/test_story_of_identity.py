"""Who is who: stories with names, told by files as a company has them and taken through one `ikusei run`.

佐藤 美咲 writes twice, from work and from home. 高橋 純 changes employers. Ryan and Cassidy share a tablet
(the table that Adobe publishes about shared devices). 田中 and 鈴木 read one info@ mailbox. 木村 forwards
mails to 横山, 岡田 fills a form at 森's desk (both told in SATORI's manual as going to the wrong person).
青木 read the price list thirty months before he said his name.
"""

import json
import os

import duckdb
import pytest
from landed_files import land

from orchestration.explain_links import explain_link
from orchestration.explain_people import explain_person
from orchestration.home import Home, Settings
from orchestration.links import decide
from orchestration.run import run

AS_OF = "2026-10-31"
ZONE = "Asia/Tokyo"
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/139.0 Safari/537.36"
MISAKI, MISAKI_AT_HOME = "misaki@mitsuba.example.jp", "misaki.s@gmail.com"

VISITS = [
    ("12/May/2026:12:01:00", "/", "v-tablet"),
    ("12/May/2026:12:02:00", "/products/crm/", "v-tablet"),
    ("12/May/2026:12:03:00", "/thanks/contact", "v-tablet"),
    ("12/May/2026:12:07:00", "/products/crm/", "v-tablet"),
    ("12/May/2026:12:08:00", "/thanks/quote", "v-tablet"),
    ("20/Nov/2023:21:00:00", "/price/", "v-aoki"),
    ("14/May/2026:09:59:00", "/contact", "v-aoki"),
    ("01/Jun/2026:10:30:00", "/case/yamato?mid=tokf", "v-kimura"),
    ("01/Jun/2026:11:00:00", "/case/yamato?mid=tokf", "v-yokoyama"),
    ("02/Jun/2026:11:00:00", "/case/yamato?mid=tokg", "v-yokoyama"),
    ("02/Jun/2026:11:05:00", "/price/", "v-yokoyama"),
    ("03/Jun/2026:11:00:00", "/case/yamato?mid=tokf", "v-unknown"),
    ("01/May/2026:08:50:00", "/price/", "v-mori"),
    ("01/Jun/2026:08:50:00", "/price/", "v-mori"),
    ("01/Jul/2026:08:55:00", "/price/", "v-mori"),
    ("05/Jul/2026:08:55:00", "/price/", "v-mori"),
    ("01/Aug/2026:08:50:00", "/price/", "v-mori"),
    ("01/Apr/2026:08:59:00", "/contact", "v-tanaka"),
    ("02/Apr/2026:08:59:00", "/contact", "v-suzuki"),
    ("03/Apr/2026:08:59:00", "/contact", "v-misaki"),
    ("04/Apr/2026:20:59:00", "/contact", "v-misaki-home"),
    ("10/Mar/2026:10:00:00", "/price/", "v-jun"),
]
FORMS = [  # time, browser, name, address, phone, company
    ("2026-05-12T12:03:00", "v-tablet", "ライアン", "ryan@a.example.com", "090-1000-0001", None),
    ("2026-05-12T12:08:00", "v-tablet", "キャシディ", "cassidy@a.example.com", "090-1000-0002", None),
    ("2026-05-14T10:00:00", "v-aoki", "青木 実", "aoki@b.example.jp", "090-1000-0003", "青木産業"),
    ("2026-05-01T10:00:00", "v-kimura", "木村 真", "kimura@c.example.jp", "090-1000-0004", "柏陽商事"),
    ("2026-05-02T10:00:00", "v-yokoyama", "横山 愛", "yokoyama@c.example.jp", "090-1000-0005", "柏陽商事"),
    ("2026-05-01T09:00:00", "v-mori", "森 健", "mori@d.example.jp", "090-1000-0006", "谷戸工業"),
    ("2026-07-01T09:00:00", "v-mori", "岡田 恵", "okada@d.example.jp", "090-1000-0007", "谷戸工業"),
    ("2026-07-05T09:00:00", "v-mori", "森 健", "mori@d.example.jp", "090-1000-0006", "谷戸工業"),
    ("2026-04-01T09:00:00", "v-tanaka", "田中 一", "info@maruichi.example.jp", "03-1111-1111", "丸一"),
    ("2026-04-02T09:00:00", "v-suzuki", "鈴木 二郎", "info@maruichi.example.jp", "03-2222-2222", "丸一"),
    ("2026-04-03T09:00:00", "v-misaki", "佐藤 美咲", MISAKI, "090-1000-0008", "三つ葉化学"),
    (
        "2026-04-04T21:00:00",
        "v-misaki-home",
        "佐藤　美咲",
        MISAKI_AT_HOME,
        "０９０－１０００－０００８",
        None,
    ),
    ("2026-03-10T10:05:00", "v-jun", "高橋 純", "jun@ryokufu.example.jp", "090-1000-0009", "緑風物流"),
]
CARDS = """会社名,部署名,役職,姓,名,e-mail,携帯電話,名刺交換日
株式会社緑風物流,情報システム部,課長,高橋,純,jun@ryokufu.example.jp,090-1000-0009,2026/03/01
青嵐ソフト㈱,経営企画部,部長,髙橋,純,takahashi@seiran.example.jp,090-1000-0009,2026/08/20
"""
MAILS = [("tokf", 1780275600), ("tokg", 1780362000)]  # both to 木村, 1 and 2 June 2026, 10:00 in Tokyo


def log_line(at: str, path: str, cookie: str) -> str:
    return f'198.51.100.7 - - [{at} +0900] "GET {path} HTTP/1.1" 200 5120 "-" "{BROWSER}" "{cookie}"\n'


def form(number: int, at: str, visitor: str, name: str, email: str, phone: str, company: str) -> str:
    words = {"submission_id": f"s{number}", "submitted_at": f"{at}+09:00", "form_kind": "inquiry"}
    person = {"form_id": "contact", "visitor_id": visitor, "name": name, "email": email, "phone": phone}
    return json.dumps({**words, **person, "company": company}, ensure_ascii=False) + "\n"


def delivered(token: str, at: int) -> dict:
    event = {"email": "kimura@c.example.jp", "timestamp": at, "event": "delivered", "mid": token}
    return {**event, "sg_event_id": f"e-{token}", "sg_message_id": f"m-{token}"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    folder = tmp_path_factory.mktemp("identity")
    forms = "".join(form(number, *told) for number, told in enumerate(FORMS))
    land(folder, "web/www/access.log", "".join(log_line(*visit) for visit in VISITS))
    land(folder, "forms/site/forms.jsonl", forms)
    land(folder, "forms/site/forms-copied.jsonl", forms)  # the same file once more
    land(folder, "lists/expo/cards.csv", CARDS)
    land(folder, "email/sendgrid/events.json", json.dumps([delivered(*mail) for mail in MAILS]))
    home = Home(folder)
    run(home, Settings(), as_of=AS_OF, say=lambda line: None)
    return home


def rows(home: Home, sql: str, *values: object) -> list[tuple]:
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


def person(home: Home, email: str) -> str:
    ((person_id,),) = rows(
        home, "select person_id from identity.person_identifiers where identifier = 'email:' || ?", email
    )
    return person_id


def readers(home: Home, visitor: str) -> list[str | None]:
    """Who read the pages of a browser, by address, in the order of time."""
    return [
        email
        for (email,) in rows(
            home,
            "select people.email from behaviour.fct_touches as touches "
            "left join identity.dim_people as people on touches.person_id = people.person_id "
            "where touches.visitor_id = ? and touches.source = 'web' order by touches.occurred_at",
            visitor,
        )
    ]


def test_misaki_who_wrote_from_work_and_from_home_is_one_person_and_scores_once(home: Home) -> None:
    assert person(home, MISAKI) == person(home, MISAKI_AT_HOME)
    inquiries = rows(
        home,
        "select touch_id, count(*) from scoring.fct_score_points where person_id = ? "
        "and touch_id in (select touch_id from behaviour.fct_touches where source = 'forms') "
        "group by touch_id, rule_id",
        person(home, MISAKI),
    )
    assert len({touch for touch, _ in inquiries}) == 2  # two forms were sent, though the file came twice
    assert {count for _, count in inquiries} == {1}


def test_ryan_and_cassidy_share_a_tablet_and_each_keeps_the_own_events(home: Home) -> None:
    ryan, cassidy = "ryan@a.example.com", "cassidy@a.example.com"
    assert readers(home, "v-tablet") == [ryan, ryan, ryan, cassidy, cassidy]
    assert explain_link(home, "v-tablet", cassidy, zone=ZONE)[0] == "visitor:v-tablet"
    assert "no accepted link joins them" in explain_link(home, ryan, cassidy, zone=ZONE)[0]


def test_two_readers_of_one_info_box_are_two_people(home: Home) -> None:
    tanaka, suzuki = "phone_name:+81311111111|田中一", "phone_name:+81322222222|鈴木二郎"
    ids = rows(
        home,
        "select distinct person_id from identity.person_identifiers where identifier in (?, ?)",
        tanaka,
        suzuki,
    )
    assert len(ids) == 2
    told = explain_link(home, tanaka, suzuki, zone=ZONE)
    assert any("info@maruichi.example.jp" in line and "Role mailbox" in line for line in told)


def test_a_forwarded_mail_is_read_by_whose_browser_it_is(home: Home) -> None:
    """SATORI: who follows the link of a forwarded mail is taken for the one it was sent to."""
    kimura, yokoyama = "kimura@c.example.jp", "yokoyama@c.example.jp"
    assert readers(home, "v-kimura") == [kimura]
    assert readers(home, "v-yokoyama") == [yokoyama, yokoyama, yokoyama]
    assert readers(home, "v-unknown") == [None]  # it was opened elsewhere first
    told = explain_person(home, kimura, zone=ZONE)
    assert any("browser v-yokoyama" in line and "refused: forwarded mail" in line for line in told)


def test_a_form_filled_at_somebody_elses_desk_takes_one_visit_only(home: Home) -> None:
    """SATORI: from the form on, all that the browser does is taken for the one who filled it."""
    mori, okada = "mori@d.example.jp", "okada@d.example.jp"
    assert readers(home, "v-mori") == [mori, None, okada, mori, mori]


def test_what_was_read_thirty_months_ago_counts_at_its_true_time_and_as_anonymous(home: Home) -> None:
    ((at, was_anonymous),) = rows(
        home,
        "select cast(occurred_at as date), was_anonymous from reporting.rpt_lead_timeline "
        "where person_id = ? and touch_type = 'price_view'",
        person(home, "aoki@b.example.jp"),
    )
    assert (str(at), was_anonymous) == ("2023-11-20", True)


def test_a_new_employer_opens_an_employment_and_closes_none(home: Home) -> None:
    jun = person(home, "takahashi@seiran.example.jp")
    assert person(home, "jun@ryokufu.example.jp") == jun
    employments = rows(
        home,
        "select company_name, department, position, valid_to from identity.dim_employments "
        "where person_id = ? order by valid_from",
        jun,
    )
    assert [(desk[1], desk[2], desk[3]) for desk in employments] == [
        ("情報システム部", "課長", None),
        ("経営企画部", "部長", None),
    ]
    ((company, category, email),) = rows(
        home,
        "select company_name, position_category, email from identity.dim_people where person_id = ?",
        jun,
    )
    assert ("青嵐ソフト" in company, category, email) == (True, "director", "takahashi@seiran.example.jp")


def test_what_was_done_for_the_former_employer_stays_with_it(home: Home) -> None:
    companies = rows(
        home,
        "select distinct companies.email_domain from behaviour.fct_touches as touches "
        "inner join identity.employment_spans as spans on touches.person_id = spans.person_id "
        "and touches.occurred_at >= spans.span_from and touches.occurred_at < spans.span_to "
        "inner join identity.dim_companies as companies on spans.company_id = companies.company_id "
        "where touches.visitor_id = 'v-jun'",
    )
    assert companies == [("ryokufu.example.jp",)]
    ((active_people,),) = rows(
        home,
        "select scores.active_people_count from scoring.fct_company_scores as scores "
        "inner join identity.dim_companies as companies on scores.company_id = companies.company_id "
        "where companies.email_domain = 'ryokufu.example.jp'",
    )
    assert active_people == 1


def test_the_former_address_stays_with_the_reason_why_it_lost(home: Home) -> None:
    values = dict(
        rows(
            home,
            "select attribute_value, verdict from identity.person_attributes "
            "where person_id = ? and attribute = 'email' and source = 'lists'",
            person(home, "jun@ryokufu.example.jp"),
        )
    )
    assert values == {"takahashi@seiran.example.jp": "wins", "jun@ryokufu.example.jp": "former_employment"}


@pytest.mark.skipif(
    not os.environ.get("IKUSEI_LONG_TESTS"), reason="long: make test-long; test_links does it daily"
)
def test_misaki_is_split_by_a_word_and_made_one_again_by_the_next(home: Home) -> None:
    everything = "select * from identity.person_identifiers order by identifier"
    before = rows(home, everything)
    ((link,),) = rows(
        home,
        "select link_id from identity.identity_links where left_identifier = 'email:' || ? "
        "and right_identifier like 'phone_name:%'",
        MISAKI_AT_HOME,
    )
    for decision, is_one in (("reject", False), ("restore", True)):
        decide(home, link, decision, "sisters share a telephone", by="mori")
        run(home, Settings(), as_of=AS_OF, say=lambda line: None)
        assert (person(home, MISAKI) == person(home, MISAKI_AT_HOME)) is is_one
        if not is_one:
            told = explain_link(home, MISAKI, MISAKI_AT_HOME, zone=ZONE)
            assert any("rejected by mori: sisters share a telephone" in line for line in told)
    assert rows(home, everything) == before
