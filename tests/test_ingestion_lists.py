"""Offline lists come in from the layouts and encodings of business-card services and Excel."""

import csv
import io
import json
from datetime import date

import openpyxl
import pytest
from landed_files import land, query, rows_of, run, shared

PERSON = {
    "会社名": "㈱テスト",
    "部署名": "営業部",
    "役職": "部長",
    "e-mail": "Taro.Yamada@Example.co.jp",
    "住所": "東京都千代田区丸の内1-1",
    "TEL会社": "03-1234-5678",
    "携帯電話": "090-1234-5678",
    "名刺交換日": "2026/05/01",
}


def written(rows: list[list[str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return text.getvalue()


def eight(layout: str, **names: str) -> list[list[str]]:
    header = json.loads(shared("jp_businesscard_formats/formats.json").read_text())[layout]["columns"]
    person = PERSON | names
    return [header, [person.get(column, "") for column in header]]


PREAMBLE = [["Eightで生成された名刺リストです。"], ["合計 1 件"], ["*注意事項"], [], []]


def the_person(home) -> tuple:
    [row] = query(
        home,
        "select person_name, company_name, company_key, department, position, email, phone, mobile,"
        " prefecture,"
        " collected_on from raw_lists.rows",
    )
    return row


EXPECTED = (
    *("山田太郎", "(株)テスト", "テスト", "営業部", "部長", "taro.yamada@example.co.jp"),
    *("+81312345678", "+819012345678", "東京都", date(2026, 5, 1)),
)


@pytest.mark.parametrize(
    ("layout", "encoding"),
    [
        *(("eight_2018", "utf-8"), ("eight_2018", "utf-16"), ("eight_2018", "cp932")),
        *(("eight_2026", "cp932"), ("eight_2026", "utf-8-sig"), ("eight_2026", "euc_jp")),
    ],
)
def test_eight_in_any_encoding(tmp_path, layout, encoding):
    rows = eight(
        layout, **({"氏名": "山田　太郎"} if layout == "eight_2018" else {"姓": "山田", "名": "太郎"})
    )
    rows[1] = [cell.replace("㈱", "(株)") for cell in rows[1]] if encoding == "euc_jp" else rows[1]
    preamble = PREAMBLE if layout == "eight_2018" else []
    land(tmp_path, "lists/cards/eight.csv", written(preamble + rows).encode(encoding))
    assert run(tmp_path, sources=["lists"]).troubles == []
    assert the_person(tmp_path) == EXPECTED


def test_sansan_with_full_width_brackets(tmp_path):
    header = json.loads(shared("jp_businesscard_formats/formats.json").read_text())["sansan_style_numbered"][
        "columns_seen"
    ]
    cells = {
        **{
            "会社名": "㈱テスト",
            "部署名": "営業部",
            "役職": "部長",
            "氏名": "山田 太郎",
            "取得日": "2026/05/01",
        },
        **{
            "氏名（カナ）": "ヤマダ タロウ",
            "住所(1)［全て］": "〒100-0001 東京都千代田区",
            "TEL-1(1)": "03(1234)5678",
        },
        **{"Email(1)": "taro.yamada@example.co.jp", "携帯電話(1)": "+81-90-1234-5678", "備考": "展示会で"},
    }
    land(
        tmp_path,
        "lists/sansan/s.csv",
        written([header, [cells.get(c, "") for c in header]]).encode("utf-8-sig"),
    )
    assert run(tmp_path, sources=["lists"]).troubles == []
    assert the_person(tmp_path) == EXPECTED
    assert query(tmp_path, "select person_kana, note from raw_lists.rows") == [("ヤマダタロウ", "展示会で")]


def test_simple_headers_in_a_workbook(tmp_path):
    book = openpyxl.Workbook()
    for row in (
        ["5月展示会 来場者"],
        ["会社名", "部署", "役職", "氏名", "メールアドレス", "電話番号", "携帯", "都道府県", "来場日"],
        [
            "㈱テスト",
            "営業部",
            "部長",
            "山田 太郎",
            "taro.yamada@example.co.jp",
            312345678,
            None,
            "東京",
            date(2026, 5, 1),
        ],
    ):
        book.active.append(row)
    book.active["F3"].value, book.active["G3"].value = "０３−１２３４−５６７８", "090 1234 5678"
    stored = io.BytesIO()
    book.save(stored)
    land(tmp_path, "lists/expo/visitors.xlsx", stored.getvalue())
    assert run(tmp_path, sources=["lists"]).troubles == []
    assert the_person(tmp_path) == EXPECTED
    assert query(tmp_path, "select line_number, list_name from raw_lists.rows") == [(3, "expo")]


def test_header_in_odd_spelling_repeated_in_mid_file_with_other_columns(tmp_path):
    rows = [
        ["会社名 ", "氏名", "e\u2011mail", "ＴＥＬ会社", "展示会A"],
        ["テスト", "山田太郎", "a@example.jp", "03-1234-5678", "1"],
        ["会社名 ", "氏名", "e\u2011mail", "ＴＥＬ会社", "展示会A"],
        ["e-mail", "氏名", "会社名"],
        ["b@example.jp", "鈴木花子", "テスト"],
    ]
    land(tmp_path, "lists/books/joined.csv", written(rows))
    report = run(tmp_path, sources=["lists"])
    assert (report.rows_loaded, report.troubles) == (2, [])
    assert query(tmp_path, "select email, person_name, company_name from raw_lists.rows order by 1") == [
        ("a@example.jp", "山田太郎", "テスト"),
        ("b@example.jp", "鈴木花子", "テスト"),
    ]


def test_order_of_columns_quoting_delimiter_and_encoding_do_not_matter(tmp_path):
    land(
        tmp_path, "lists/l/a.csv", written([["会社名", "氏名", "メール"], ["テスト", "山田", "a@example.jp"]])
    )
    run(tmp_path, sources=["lists"])
    before = rows_of(tmp_path, "raw_lists.rows")
    turned = '"メール"\t"氏名"\t"会社名"\n"a@example.jp"\t"山田"\t"テスト"\n'
    land(tmp_path, "lists/l/b.tsv", turned.encode("cp932"))
    report = run(tmp_path, sources=["lists"])
    assert (report.rows_loaded, report.rows_duplicate) == (0, 1)
    assert rows_of(tmp_path, "raw_lists.rows") == before
