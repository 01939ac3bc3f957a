"""Two women on several lists (名寄せ): what joins by itself, what waits for a person, and whose word lasts.

渡邉 花子 left a card with her reading and her mobile phone; on the autumn list a clerk wrote her in kana.
林 智子 left a card without an address, and somebody asked for the newsletter as hayashi@ of her company:
she or another Hayashi. A marketer who knows her decides.
"""

import json
from pathlib import Path

import duckdb
import pytest
from landed_files import land
from landed_files import run as ingest

from orchestration import transform
from orchestration.home import Home
from orchestration.links import decide

HEADER = "会社名,部署名,役職,氏名,氏名カナ,e-mail,TEL会社,携帯電話,名刺交換日\r\n"
SPRING = HEADER + "\r\n".join(
    [
        "㈱三つ葉化学,,,佐藤 美咲,サトウ ミサキ,misaki.sato@mitsuba.example.jp,03-1234-5678,,2026/04/18",
        "㈱三つ葉化学,経理部,,林 智子,ハヤシ トモコ,,03-1234-5678,,2026/04/18",
        "㈱三つ葉化学,経理部,,渡邉 花子,ワタナベ ハナコ,,03-1234-5678,090-1111-2222,2026/04/18",
        "",
    ]
)
AUTUMN = HEADER + "\r\n".join(
    [
        "三つ葉化学 株式会社,,,ワタナベ　ハナコ,,hanako@mitsuba.example.jp,,090-1111-2222,2026/10/03",
        "株式会社三つ葉化学,経理部,,渡辺 花子,,,03-1234-5678,090-1111-2222,2026/10/03",
        "",
    ]
)
WINTER = HEADER + "ムラサキ商会,,,小野 純,オノ ジュン,,,090-3333-4444,2026/10/20\r\n"
WINTER += "ムラサキ商会,,,オノ ジュン,,ono@murasaki.example.jp,,090-3333-4444,2026/10/21\r\n"
PAIRS = """
    select scores.* from identity.int_match_scores as scores
    inner join identity.int_match_profiles as lefts on scores.left_key = lefts.profile_key
    inner join identity.int_match_profiles as rights on scores.right_key = rights.profile_key
    order by all
"""
NEWSLETTER = {
    "submission_id": "s-1",
    "submitted_at": "2026-06-02T10:00:00+09:00",
    "form_id": "newsletter",
    "form_kind": "newsletter",
    "email": "hayashi@mitsuba.example.jp",
}
TOMOKO, HAYASHI = "card:三つ葉化学|林智子", "email:hayashi@mitsuba.example.jp"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A home with the lists and the form; its pages' file is the warehouse itself."""
    home = Home(tmp_path_factory.mktemp("two-lists") / "home").prepare()
    land(home.root, "lists/expo-spring/cards.csv", SPRING.encode("cp932"))
    land(home.root, "lists/expo-autumn/cards.csv", AUTUMN)
    land(home.root, "forms/site/2026-06.jsonl", json.dumps(NEWSLETTER) + "\n")
    home.published.parent.mkdir(exist_ok=True)
    home.published.symlink_to(home.warehouse)
    return home


def built(home: Home, *, full_refresh: bool = False) -> None:
    ingest(home.root)
    transform.build(
        home.warehouse,
        home.dbt_target,
        as_of="2026-10-31",
        known_at="9999-12-31 00:00:00",
        zone="Asia/Tokyo",
        full_refresh=full_refresh,
        select=["+identity_links", "+identity_refusals", "+review_queue", "+matching_counts"],
    )


def rows(warehouse: Path, sql: str, *values: object) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchall()


def people_of(home: Home, *identifiers: str) -> int:
    marks = ", ".join("?" * len(identifiers))
    found = rows(
        home.warehouse,
        "select count(*), count(distinct person_id) from identity.person_identifiers "
        f"where identifier in ({marks})",
        *identifiers,
    )
    assert found[0][0] == len(identifiers), "an identifier is not there"
    return found[0][1]


def test_one_woman_on_two_lists_is_one_and_a_doubtful_pair_is_what_a_marketer_says_it_is(home: Home) -> None:
    built(home)
    # By the exact rules 渡邉 is 渡辺; by probability ワタナベ ハナコ of the same mobile phone is her too.
    assert (
        people_of(
            home,
            "card:三つ葉化学|渡辺花子",
            "card:三つ葉化学|ワタナベハナコ",
            "email:hanako@mitsuba.example.jp",
        )
        == 1
    )
    claims = rows(
        home.warehouse,
        "select rule_id, confidence from identity.identity_links where rule_id = 'matched_people'",
    )
    assert [rule for rule, confidence in claims if confidence >= 0.95] == ["matched_people"]

    queue = rows(
        home.warehouse,
        "select link_id, left_identifier, right_identifier, probability, name_level, workplace_level, "
        "because from identity.review_queue",
    )
    ((link, *pair, probability, name, workplace, because),) = queue
    assert sorted(pair) == [TOMOKO, HAYASHI]
    assert 0.3 <= probability < 0.95
    assert (name, workplace, because) == ("mail_spells_family_name", "company_same", "below_the_threshold")
    assert people_of(home, TOMOKO, HAYASHI) == 2

    land(home.root, "lists/expo-winter/cards.csv", WINTER.encode("cp932"))
    decide(home, link, "accept", "she told me at the counter", by="mori")
    built(home)
    assert people_of(home, TOMOKO, HAYASHI) == 1
    assert rows(home.warehouse, "select count(*) from identity.review_queue") == [(0,)]
    assert rows(
        home.warehouse, "select rule_id, confidence from identity.identity_links where link_id = ?", link
    ) == [("accepted_by_person", 1)]
    stepwise = rows(home.warehouse, PAIRS)

    decide(home, link, "reject", "no, that is her brother", by="mori")
    built(home, full_refresh=True)
    assert rows(home.warehouse, PAIRS) == stepwise
    assert people_of(home, TOMOKO, HAYASHI) == 2
    assert rows(home.warehouse, "select count(*) from identity.review_queue") == [(0,)]
    ((reason,),) = rows(
        home.warehouse, "select reason from identity.identity_refusals where link_id = ?", link
    )
    assert reason == "rejected by mori: no, that is her brother"
    outcomes = rows(
        home.warehouse, "select outcome, sum(pairs) from identity.matching_counts group by outcome"
    )
    assert dict(outcomes) == {"joined": 2, "rejected": 1}
