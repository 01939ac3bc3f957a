"""Layouts of other tools that ship as settings: copied beside an export, they read it as it comes out."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, datetime
from pathlib import Path

import pytest
import yaml
from landed_files import assert_accounted, land, query, run

from ingestion.kinds import kinds
from ingestion.preview import preview

LAYOUTS = Path(__file__).resolve().parents[1] / "ingestion"
SATORI = [
    ["メールアドレス", "苗字", "名前", "苗字(ふりがな)", "名前(ふりがな)", "会社名", "部署名", "電話番号",
     "住所", "メモ", "tags", "スター", "登録日時"],
    ["takahashi@example.co.jp", "髙橋", "花子", "たかはし", "はなこ", "㈱テスト", "経理部",
     "03-1234-5678", "東京都千代田区丸の内1-1", "展示会で名刺交換", "展示会,経理", "3", "2026/05/01"],
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["cp932", "utf-8-sig"])
def test_a_customer_export_of_satori_is_read_with_both_halves_of_the_name(
    tmp_path: Path, encoding: str
) -> None:
    """SY01. 名前 is the given name there; without the layout it would be taken for the whole one."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(SATORI)
    land(tmp_path, "lists/satori/customers.csv", text.getvalue().encode(encoding))
    layout = (LAYOUTS / "layout_satori.yml").read_bytes()
    land(tmp_path, "lists/satori/columns.yml", layout)
    report = run(tmp_path, sources=["lists"])
    assert report.troubles == []
    assert query(
        tmp_path,
        "select person_name_raw, company_name, department, email, phone, prefecture, note, collected_on, "
        "list_owner from raw_lists.rows",
    ) == [
        ("髙橋 花子", "(株)テスト", "経理部", "takahashi@example.co.jp", "+81312345678", "東京都",
         "展示会で名刺交換", date(2026, 5, 1), "marketing")
    ]  # fmt: skip
    assert_accounted(tmp_path)


# Activities of other tools ------------------------------------------------------------------------

TOUCHES = next(kind for kind in kinds() if kind.kind == "touches")
TOUCH_TYPES = LAYOUTS.parent / "dbt_project/models/3_behaviour/touch_types.csv"
ACTIVITY_COLUMNS = (
    *("marketoGUID", "leadId", "activityDate", "activityTypeId", "campaignId"),
    *("primaryAttributeValueId", "primaryAttributeValue", "attributes"),
)
# As the bulk extract writes them: null for what is empty, attributes as JSON, either spelling of UTC.
ACTIVITIES = [
    [
        "783957693",
        "5414087",
        "2026-05-13T14:06:20Z",
        "2",
        "null",
        "1670",
        "資料請求フォーム",
        {"Webpage ID": 7},
    ],
    ["783957694", "5414087", "2026-05-13T14:07:00+0000", "22", "8497", "5", "Score", {"New Value": "15"}],
    [
        "783957695",
        "5414087",
        "2026-05-14T01:00:00Z",
        "11",
        "8497",
        "9",
        "5月号",
        {"Link": "https://x.example"},
    ],
    [
        "783957696",
        "5414087",
        "2026-05-15T01:00:00Z",
        "32",
        "null",
        "5414087",
        "null",
        {"Merge IDs": [5414094]},
    ],
    ["783957697", "5414094", "2026-05-16T01:00:00Z", "9", "null", "9", "5月号", {}],
    ["783957698", "5414094", "2026-05-16T02:00:00Z", "100001", "null", "1", "Own type", {}],
]
LEADS = [
    ["id", "email", "company", "title", "createdAt"],
    ["5414087", "ito@example.co.jp", "㈱伊藤", "部長", "2026-04-01T00:00:00Z"],
    ["5414094", "kato@example.co.jp", "null", "null", "2026-04-02T00:00:00Z"],
]


def table(*rows: list[str]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def activities() -> str:
    return table(list(ACTIVITY_COLUMNS), *[[*row[:-1], json.dumps(row[-1])] for row in ACTIVITIES])


def land_layout(home: Path, name: str, folder: str) -> None:
    land(home, f"{folder}/columns.yml", (LAYOUTS / f"layout_{name}.yml").read_bytes())


@pytest.mark.parametrize("name", ["marketo", "satori_actions"])
def test_each_word_of_another_tool_is_a_deed_that_is_scored_or_a_record_only(name: str) -> None:
    """SY01, SY02. Which deed a word is stands in the layout with its reason; an opinion of a tool is none."""
    layout = yaml.safe_load((LAYOUTS / f"layout_{name}.yml").read_text("utf-8"))
    words = layout["words"]["touch_type"]
    known = next(column for column in TOUCHES.columns if column.header == "touch_type").words
    with TOUCH_TYPES.open(encoding="utf-8", newline="") as lines:
        scored = {row["touch_type"] for row in csv.DictReader(lines)}
    assert set(known) - scored == {"record_only"}
    assert all(how["is"] in known and how["why"] for how in words.values())
    assert {"email_unsubscribed", "email_clicked", "record_only"} <= {how["is"] for how in words.values()}


def test_activities_of_marketo_are_read_with_their_leads_and_only_deeds_are_scored(tmp_path: Path) -> None:
    """SY02. A changed score and a merge stay as records; a type that nobody has explained is rejected."""
    land_layout(tmp_path, "marketo", "touches/marketo")
    land(tmp_path, "touches/marketo/activities.csv", activities())
    land(tmp_path, "touches/marketo/leads.csv", table(*LEADS))
    report = run(tmp_path, sources=["touches"])
    assert (report.rows_loaded, report.rows_rejected) == (7, 1)
    [(why,)] = query(tmp_path, "select reason from raw_intake.rejects")
    assert 'touch_type "100001" is no word that is known' in why and "columns.yml" in why
    assert query(
        tmp_path,
        "select touch_id, lead_id, touch_type, subject, campaign_id, occurred_at from raw_touches.entries"
        " where touch_id is not null order by touch_id",
    ) == [
        ("marketo:783957693", "marketo:5414087", "document_request", "資料請求フォーム", None,
         datetime(2026, 5, 13, 14, 6, 20)),
        ("marketo:783957694", "marketo:5414087", "record_only", "Score", None, datetime(2026, 5, 13, 14, 7)),
        ("marketo:783957695", "marketo:5414087", "email_clicked", "5月号", None, datetime(2026, 5, 14, 1)),
        ("marketo:783957696", "marketo:5414087", "record_only", None, None, datetime(2026, 5, 15, 1)),
        ("marketo:783957697", "marketo:5414094", "email_unsubscribed", "5月号", None,
         datetime(2026, 5, 16, 1)),
    ]  # fmt: skip
    assert query(
        tmp_path,
        "select lead_id, email, company_key, touch_type from raw_touches.entries"
        " where touch_id is null order by 1",
    ) == [
        ("marketo:5414087", "ito@example.co.jp", "伊藤", "record_only"),
        ("marketo:5414094", "kato@example.co.jp", None, "record_only"),
    ]
    [(payload,)] = query(
        tmp_path, "select payload from raw_touches.entries where touch_id = 'marketo:783957696'"
    )
    assert "5414094" in payload, "whom a merge has swallowed stays readable"
    assert_accounted(tmp_path)


def test_an_activity_export_is_previewed_as_it_would_be_read(tmp_path: Path) -> None:
    land_layout(tmp_path, "marketo", "touches/marketo")
    shown = preview(land(tmp_path, "touches/marketo/activities.csv", activities()), rows=1)
    assert dict(shown.columns) == {
        "marketoguid": "touch_id", "leadid": "lead_id", "activitydate": "occurred_at",
        "activitytypeid": "touch_type", "campaignid": None, "primaryattributevalueid": None,
        "primaryattributevalue": "subject", "attributes": None,
    }  # fmt: skip
    [(_, fields, fault)] = shown.rows
    assert (fields["lead_id"], fields["touch_type"], fault) == ("marketo:5414087", "document_request", None)


@pytest.mark.parametrize("encoding", ["cp932", "utf-8-sig"])
def test_actions_of_satori_are_read_with_their_customers(tmp_path: Path, encoding: str) -> None:
    """SY01. The first header that the layout names for a field wins where an export has two."""
    actions = table(
        ["アクションID", "customer_id", "登録日時", "アクション日時", "アクション種別", "アクション名"],
        ["1", "77", "2026/04/01 09:00:00", "2026/05/01 10:30:00", "メール内リンククリック", "五月号"],
        ["2", "77", "2026/04/01 09:00:00", "2026/05/01 10:31:00", "セグメント該当", "製造業"],
    )
    customers = table(
        ["customer_id", "メールアドレス", "会社名", "登録日時"],
        ["77", "sato@example.co.jp", "佐藤㈱", "2026/04/01 09:00:00"],
    )
    land_layout(tmp_path, "satori_actions", "touches/satori")
    land(tmp_path, "touches/satori/actions.csv", actions.encode(encoding))
    land(tmp_path, "touches/satori/customers.csv", customers.encode(encoding))
    assert run(tmp_path, sources=["touches"]).troubles == []
    assert query(
        tmp_path,
        "select touch_id, lead_id, email, touch_type, subject, occurred_at"
        " from raw_touches.entries order by 1",
    ) == [
        ("satori:1", "satori:77", None, "email_clicked", "五月号", datetime(2026, 5, 1, 1, 30)),
        ("satori:2", "satori:77", None, "record_only", "製造業", datetime(2026, 5, 1, 1, 31)),
        (None, "satori:77", "sato@example.co.jp", "record_only", None, datetime(2026, 4, 1)),
    ]
    assert_accounted(tmp_path)


@pytest.mark.parametrize(
    ("layout", "said"),
    [
        ("words: {touch_type: {a: call}}", "whose words are not lines of"),
        ("words: {touch_type: {a: {is: call}}}", "whose words are not lines of"),
        ("words: {kind: {a: {is: call, why: b}}}", "whose field kind does not exist"),
        ("prefix: {id: 'x:'}", "whose field id does not exist"),
        ("empty: null-text", "whose empty is not a list of texts"),
    ],
)
def test_a_layout_that_cannot_be_meant_is_told_with_its_mend(tmp_path: Path, layout: str, said: str) -> None:
    land(tmp_path, "touches/x/columns.yml", layout)
    land(tmp_path, "touches/x/a.csv", "touch_type,occurred_at,email\ncall,2026-05-01,a@example.com\n")
    [trouble] = run(tmp_path, sources=["touches"]).troubles
    assert said in trouble


def test_an_id_that_excel_has_shortened_is_rejected_under_the_name_of_its_tool_too(tmp_path: Path) -> None:
    land(tmp_path, "touches/x/columns.yml", "prefix: {lead_id: 'marketo:'}")
    land(tmp_path, "touches/x/a.csv", "touch_type,occurred_at,lead_id\ncall,2026-05-01,5.41E+06\n")
    assert run(tmp_path, sources=["touches"]).rows_rejected == 1
