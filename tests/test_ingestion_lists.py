"""Offline lists come in from the layouts and encodings of business-card services and Excel."""

import base64
import csv
import gzip
import importlib.util
import io
import json
import os
import random
import subprocess
import sys
from datetime import date

import openpyxl
import pytest
from landed_files import assert_accounted, land, query, rows_of, run, shared

from ingestion.files import Unreadable
from ingestion.preview import preview

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
    """The header of a layout and the row of one person."""
    described = json.loads(shared("jp_businesscard_formats/formats.json").read_text())[layout]
    header = described.get("columns") or described["columns_seen"]
    person = PERSON | names
    return [header, [person.get(column, "") for column in header]]


PREAMBLE = [["Eightで生成された名刺リストです。"], ["合計 1 件"], ["*注意事項"], [], []]


SANSAN = {
    "取得日": "2026/05/01",
    "住所(1)［全て］": "〒100-0001 東京都千代田区",
    "TEL-1(1)": "03(1234)5678",
    "Email(1)": "taro.yamada@example.co.jp",
    "携帯電話(1)": "+81-90-1234-5678",
}
THE_PERSON = """
select list_name, person_name, company_name, company_key, department, position, email, phone, mobile,
    prefecture, collected_on
from raw_lists.rows"""


def the_person(home) -> tuple:
    [(_, *row)] = query(home, THE_PERSON)
    return tuple(row)


EXPECTED = (
    *("山田太郎", "(株)テスト", "テスト", "営業部", "部長", "taro.yamada@example.co.jp"),
    *("+81312345678", "+819012345678", "東京都", date(2026, 5, 1)),
)


ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp932", "euc_jp")
ENCODINGS += ("euc_jis_2004", "iso2022_jp_ext")
MARKS = {"utf-16-le": b"\xff\xfe", "utf-16-be": b"\xfe\xff"}


def test_every_card_layout_in_every_encoding(tmp_path):
    wanted = {}
    for layout, names in {
        "eight_2018": {"氏名": "山田　太郎"},
        "eight_2026": {"姓": "山田", "名": "太郎"},
        "sansan_style_numbered": {"氏名": "山田 太郎", **SANSAN},
    }.items():
        rows = (PREAMBLE if layout == "eight_2018" else []) + eight(layout, **names)
        for encoding in ENCODINGS:
            text = written(rows)
            if encoding in ("euc_jp", "iso2022_jp_ext"):  # they have no ㈱
                text = text.replace("㈱", "(株)")
            name = f"{layout}-{encoding}"
            land(tmp_path, f"lists/{name}/cards.csv", MARKS.get(encoding, b"") + text.encode(encoding))
            wanted[name] = EXPECTED
    assert run(tmp_path, sources=["lists"]).troubles == []
    assert {name: tuple(row) for name, *row in query(tmp_path, THE_PERSON)} == wanted


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


OLD_WORKBOOK = gzip.decompress(base64.b64decode(
    "H4sIAAAAAAACA+1YW0gUURj+zsyuu9que0ktDWQRulno2AVC0DWpfNLKlDRE23KR8r4otj2kZb4EwUIUFL0U9RBEl5dKCqqXUIiK"
    "eiiEQIsgqJegKEid/vPv7KRWoFCCMd9w/nO+//znnH/OfebZU9/ohZtZY5iBYqiY1JORNEUnKCQniBeUr+symYidFHQLCwrJThrI"
    "JDvuuh875BjK8R6Dghu2hySBNxTq0IGK9rZwYB5Ryj6EhPShiKTAedKkIpO98rPcz3Ixy+tseY9lCWtOsiwi21GxB0+DFbmbjFlc"
    "o+RwXipkvbe5zAhrCpCOITmLe2MibmvH5siBUMsCy8i2uXAJNKBl4bZwRHIPLiMFqCXkl5fnb9kyijQa7Ev4ogeAz4lV/SBg6edX"
    "L0D6b9P1jj/onTSIM/WnFBvQB30vL5IBuHDfJnMU4a4qrBzHK/iI+XjrFhvhbKquK4xmbQ8g3LShxt6nQmRtL466q6j0+1ikl6Jo"
    "Q08fRZ4Wd5UDYkwb1z5oF7Vh7aM2qNkgvp/pPHGw++suMilszK8nzURsV+x8vauH6pKVvguTrmDdIzIf0kh3q7r1wPsY199z2g7R"
    "Wad1B5Bb+ySWCXSFIu150VBrqDFUEj4Uau1oCeftb8872OGC8OqLdX+OT/dTnEapdD1DX6Iv1amqzqarFSnynXj78k7bvty8rF0k"
    "G+HhtI8Xt5f6b/zKp+fl+3YEG1jTx0dW/GBbLvsROo7KElQ4lXO4K/nQy+USa1ge41qXcTqLZRqtPIpX7Eg3Etv62eY4566gdtYz"
    "XgRXTkmvovTAh513sgfeBldT+lrZ2OG0ay+DF5BDbTZSefn0Y61YK86dlRgMJmJhbIKvWWb+siE6Fa/xbrpxenswIbcAYzbELRR+"
    "u+kWClvIPomzRP/FmUJMNZlKzGYyGzG7yezEkkyWRMxhMgcxp8mcxJINj9TfeKSyRymGvcoeLTKZ9MhlMumR22TSo1STSY88xFQa"
    "XZU9AjpGmodRGs+XXsleO6JI5qQennymoFjx45bsADpYfiIFFixYsGDBggULCxLymifvNqpx2bUbl2iH8V9ngsKk9Zvkv0Ul2unp"
    "oo/KrWijOILonOZPBuwiUZeYZZnE/0KJ3dR6BM3Yx340z3n+0keQmPo+sy7o/XtLaK7tT87Fz3/c/g/hxaRIABYAAA=="
))  # fmt: skip
"""An XLS of Excel 97: a title, an empty row, a header and one person."""


def workbook(*rows: list, **sheets: list[list]) -> bytes:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    for name, others in sheets.items():
        sheet = book.create_sheet(name)
        for row in others:
            sheet.append(row)
    stored = io.BytesIO()
    book.save(stored)
    return stored.getvalue()


@pytest.mark.skipif(
    not (importlib.util.find_spec("xlrd") or os.environ.get("CI") == "true"),
    reason="xlrd is not installed: install what pyproject.toml names",
)
def test_an_old_workbook_is_read_like_a_new_one(tmp_path):
    land(tmp_path, "lists/expo/visitors.xls", OLD_WORKBOOK)
    assert run(tmp_path, sources=["lists"]).troubles == []
    [(*person, line)] = query(
        tmp_path,
        "select person_name, company_key, phone, mobile, prefecture, collected_on, line_number"
        " from raw_lists.rows",
    )
    assert person == ["山田太郎", "テスト", "+81312345678", "+819012345678", "東京都", date(2026, 5, 1)]
    assert line == 4


def test_a_workbook_called_csv_and_its_other_sheets(tmp_path):
    header, other = ["会社名", "氏名"], ["氏名", "メール"]
    stored = workbook(
        *(header, ["テスト", "山田"], [], ["テスト", "鈴木"]),
        名古屋=[["名古屋会場"], other, ["佐藤", "sato@example.jp"]],
        選択肢=[["はい"], ["いいえ"]],
    )
    land(tmp_path, "lists/expo/visitors.csv", stored)
    report = run(tmp_path, sources=["lists"])
    assert (report.rows_loaded, report.troubles) == (3, [])
    assert query(tmp_path, "select line_number, person_name, email from raw_lists.rows order by 1") == [
        (2, "山田", None),
        (4, "鈴木", None),
        (7, "佐藤", "sato@example.jp"),  # the first sheet has 4 rows, and this is row 3 of the next
    ]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "cp932", "utf-16"])
def test_every_common_delimiter_in_every_encoding(tmp_path, delimiter, encoding):
    rows = [
        ["会社名", "氏名", "メモ"],
        ["テスト", "山田", f'a{delimiter}b "c"'],
        ["テスト", "鈴木", "2行\nある"],
    ]
    file = land(tmp_path, "l.csv", written(rows, delimiter).encode(encoding))
    told = preview(file)
    assert [list(fields.values()) for _, fields, _ in told.rows] == [row for row in rows[1:]]
    assert (told.header_line, [line for line, *_ in told.rows]) == (1, [2, 3])


def test_numbers_that_excel_has_shortened_are_no_key(tmp_path):
    land(
        tmp_path,
        "lists/l/a.csv",
        "会社名,氏名,電話番号,携帯,法人番号\nテスト,山田,9.01E+12,8.19012E+11,4.00001E+12\n"
        "テスト,鈴木,３１２３４５６７８,090ー1234ー5678,４０００−０１２０−９０００１\n",
    )
    assert run(tmp_path, sources=["lists"]).troubles == []
    assert query(
        tmp_path, "select phone_raw, phone, mobile, corporate_number from raw_lists.rows order by line_number"
    ) == [
        ("9.01E+12", None, None, None),
        ("３１２３４５６７８", "+81312345678", "+819012345678", "4000012090001"),
    ]


MAPPING = """
columns: {貴社: company, ご芳名: name, 御連絡先: phone, 紹介者: note}
every_row: {collected_on: 2026-05-20, collected_by: 受付, list_owner: marketing}
"""


def test_a_mapping_says_what_headers_mean_and_whose_list_it_is(tmp_path):
    text = "貴社,ご芳名,御連絡先,紹介者\n㈱テスト,山田 太郎,03-1234-5678 内線12,佐藤\n"
    land(tmp_path, "lists/fair/hall/a.csv", text.encode("cp932"))
    [trouble] = run(tmp_path, sources=["lists"]).troubles
    assert "columns.yml beside the file" in trouble and "ikusei lists preview" in trouble
    land(tmp_path, "lists/fair/columns.yml", MAPPING)
    assert run(tmp_path, sources=["lists"]).troubles == []
    assert query(
        tmp_path,
        "select list_name, list_owner, collected_on, collected_by, source_file, line_number, person_name,"
        " company_legal_name, phone, phone_extension, note from raw_lists.rows",
    ) == [
        (
            *("fair/hall", "marketing", date(2026, 5, 20), "受付", "lists/fair/hall/a.csv", 2, "山田太郎"),
            *("株式会社テスト", "+81312345678", "12", "佐藤"),
        )
    ]
    land(tmp_path, "lists/fair/hall/b.jsonl", '{"貴社": "㈱テスト", "ご芳名": "鈴木", "x": 1}\n')
    assert run(tmp_path, sources=["lists"]).troubles == []
    assert query(
        tmp_path, "select list_owner, company_key from raw_lists.rows where person_name = '鈴木'"
    ) == [("marketing", "テスト")]


def test_a_bad_mapping_is_a_sentence_and_stops_only_its_list(tmp_path):
    bad = {
        "torn": ("columns: {a: [", "line 1 is not YAML"),
        "field": ("columns: {貴社: firm}", "field firm does not exist: the fields are company, department"),
        "word": ("spalten: {a: company}", "it may say columns, every_row, encoding"),
        "list": ("columns: [a, b]", "`name: value`"),
        "encoding": ("encoding: utf-9", "encoding is unknown"),
        "wrong": ("encoding: ascii", "is not in ascii as its columns.yml says"),
    }
    for name, (text, _) in bad.items():
        land(tmp_path, f"lists/{name}/columns.yml", text)
        land(tmp_path, f"lists/{name}/a.csv", "会社名,氏名\nテスト,山田\n")
    land(tmp_path, "lists/good/a.csv", "会社名,氏名\nテスト,山田\n")
    report = run(tmp_path, sources=["lists"])
    assert report.rows_loaded == 1 and len(report.troubles) == len(bad)
    told = {sentence.split("/")[1]: sentence for sentence in report.troubles}
    for name, (_, mend) in bad.items():
        assert mend in told[name]


def test_a_stray_cell_in_the_last_corner_of_a_sheet_is_a_sentence_and_not_the_end_of_memory(tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["会社名", "氏名"])
    book.active["XFD1048576"] = " "
    stored = io.BytesIO()
    book.save(stored)
    with pytest.raises(Unreadable, match="1,048,576 rows and 16,384 columns: delete"):
        preview(land(tmp_path, "a.xlsx", stored.getvalue()))


def test_an_encoding_is_never_guessed(tmp_path):
    rows = "company,name,email\n{0},{0},a@example.jp\n"
    sure = land(tmp_path, "sure.csv", rows.format("テスト山田").encode("euc_jp"))
    assert preview(sure).encoding == "euc_jp"  # cp932 reads it too, but without kana
    doubtful = land(tmp_path, "lists/x/a.csv", rows.format("山田").encode("euc_jp"))
    with pytest.raises(Unreadable, match="can be read as cp932 and as euc_jp, and only one is right"):
        preview(doubtful)
    latin = land(tmp_path, "latin.csv", rows.format("Ren\xe9e M\xfcller").encode("latin-1"))
    with pytest.raises(Unreadable, match="cannot be read exactly: save it as UTF-8"):
        preview(latin)
    land(tmp_path, "lists/x/columns.yml", "encoding: euc-jp")
    assert preview(doubtful).rows[0][1]["name"] == "山田"


def test_preview_on_the_command_line_shows_how_and_loads_nothing(tmp_path):
    rows = [
        ["Eightで生成された名刺リストです。"],
        [],
        ["会社名", "氏名", "展示会A"],
        *[["テスト", "山田", "1"]] * 9,
    ]
    file = land(tmp_path, "lists/cards/a.csv", written(rows).encode("cp932"))
    shown = subprocess.run(
        [sys.executable, "-m", "orchestration.cli", "lists", "preview", file],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for told in ("cp932", "comma", "in line 3", "会社名 -> company", "展示会a -> known to no table"):
        assert told in shown
    assert shown.count("name: 山田") == 5
    assert {found.name for found in tmp_path.iterdir()} == {"landing"}


def test_a_template_is_written_once_and_read_back(tmp_path):
    command = [sys.executable, "-m", "orchestration.cli", "lists", "template", "list", "--out"]
    for code, word in ((0, "the form is in"), (1, "is there already")):
        done = subprocess.run([*command, tmp_path / "l.csv"], capture_output=True, text=True, check=False)
        assert done.returncode == code and word in done.stdout + done.stderr
    told = preview(tmp_path / "l.csv")
    assert told.rows == [] and all(meant for _, meant in told.columns)


def mutations(good: bytes, count: int, seed: int) -> list[bytes]:
    """Good files made bad: cut, bytes changed, doubled, dropped or set in between."""
    dice, made = random.Random(seed), []
    for _ in range(count):
        bad = bytearray(good)
        for _ in range(dice.choice((1, 3, 30))):
            if not bad:
                break
            place = dice.randrange(len(bad))
            way = dice.randrange(5)
            if way == 0:
                bad[place] = dice.randrange(256)
            elif way == 1:
                del bad[place : place + dice.randrange(1, 40)]
            elif way == 2:
                bad[place:place] = bad[place : place + 40]
            elif way == 3:
                bad[place:place] = dice.choice((b'"', b"\n", b"\0", b"\xff", b",", b"\r", b"\x1b$B"))
            else:
                del bad[max(place, 20) :]
        made.append(bytes(bad))
    return made


def test_mutated_files_give_sentences_or_rows_and_never_a_traceback(tmp_path):
    rows = [
        ["会社名", "氏名", "メール", "日付"],
        *([f"テスト{n}", "山田", f"a{n}@example.jp", "2026/5/1"] for n in range(5)),
    ]
    good = {
        "utf8.csv": written(rows).encode(),
        "sjis.csv": written(rows).encode("cp932"),
        "wide.csv": written(rows).encode("utf-16"),
        "new.xlsx": workbook(*rows),
        "old.xls": OLD_WORKBOOK,
        "lines.jsonl": "".join(
            json.dumps({"氏名": row[1], "メール": row[2]}) + "\n" for row in rows
        ).encode(),
    }
    for name, content in good.items():
        for number, bad in enumerate(mutations(content, 14, seed=len(name))):
            land(tmp_path, f"lists/{name.split('.')[0]}{number}/{name}", bad)
    land(tmp_path, "lists/good/good.csv", good["utf8.csv"])
    report = run(tmp_path, sources=["lists"])
    assert len(report.troubles) >= 40
    for sentence in report.troubles:
        assert sentence.startswith("lists/") and "Traceback" not in sentence and "Error:" not in sentence
        assert any(mend in sentence for mend in (": ", "; ")), sentence
    unread = {each.path for each in report.files if each.trouble and not each.rows_read}
    assert not {path for (path,) in query(tmp_path, "select source_file from raw_lists.rows")} & unread
    assert query(tmp_path, "select count(*) from raw_lists.rows where list_name = 'good'") == [(5,)]
    assert_accounted(tmp_path)


def test_hostile_strings_pass_a_list_unharmed(tmp_path):
    strings = [text for text in json.loads(shared("strings_blns/blns.json").read_text()) if text.strip()]
    rows = [["会社名", "氏名", "部署", "備考"], *([text, text, text, text] for text in strings)]
    land(tmp_path, "lists/a/a.csv", written(rows).encode())
    land(tmp_path, "lists/b/b.tsv", written(rows, "\t").encode("utf-16"))
    assert run(tmp_path, sources=["lists"]).troubles == []
    for column in ("company_name_raw", "person_name_raw", "department", "note"):
        for name in ("a", "b"):
            found = query(tmp_path, f"select {column} from raw_lists.rows where list_name = '{name}'")
            assert {text for (text,) in found if text} == set(strings) - {"-"}, (column, name)
    payloads = query(tmp_path, "select payload from raw_lists.rows where list_name = 'a'")
    assert {json.loads(text)["備考"] for (text,) in payloads} == set(strings)


def test_a_long_workbook_is_read_to_its_end(tmp_path):
    row = ["株式会社テスト{0}", "営業部", "部長", "山田{0}", "太郎", "t{0}@example{0}.co.jp", "100-0001"]
    row += ["東京都千代田区{0}", "03-1234-{0:04}", "", "", "", "090-{0:04}-5678"]
    rows = [[cell.format(number) for cell in row] for number in range(5_000)]
    land(tmp_path, "lists/big/a.xlsx", workbook(eight("eight_2026")[0], *rows))
    assert run(tmp_path, sources=["lists"]).rows_loaded == 5_000
    assert query(tmp_path, "select count(distinct email), max(line_number) from raw_lists.rows") == [
        (5_000, 5_001)
    ]
