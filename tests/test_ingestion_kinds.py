"""Each kind of table of `kinds.yml`: its form can be filled in, read in every format, and loses nothing."""

import csv
import io
import json
from datetime import date, datetime

import openpyxl
import pytest
from landed_files import assert_accounted, everything, land, query, rows_of, run, shared

from ingestion import RAW_TABLES
from ingestion.kinds import SOURCES, Column, kinds
from ingestion.normalise import SPELLINGS
from ingestion.preview import LIST, columns_told, template
from ingestion.tables import ROW

KINDS = {kind.kind: kind for kind in kinds()}
NEW = [kind.kind for kind in kinds() if kind.source != "crm" and kind.kind != "costs"]


def example(kind: str) -> dict[str, str]:
    return {column.header: column.example for column in KINDS[kind].columns}


def filled(kind: str, *rows: dict[str, str]) -> str:
    """The template of a kind with rows filled in."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(example(kind)), lineterminator="\r\n")
    writer.writerows(rows)
    return template(kind).decode("utf-8-sig") + text.getvalue()


def free_columns(kind: str) -> list[Column]:
    """The columns that take any text, and none."""
    columns = KINDS[kind].columns
    return [column for column in columns if column.type in ("text", "person") and not column.required]


def path_of(kind: str, name: str) -> str:
    return f"{KINDS[kind].source}/{kind}/{name}"


def test_the_raw_tables_hold_just_what_the_kinds_describe():
    for kind in kinds():
        made = {column.raw for column in kind.columns}
        made |= {name for raw in made & set(SPELLINGS) for name in SPELLINGS[raw].columns}
        made |= {"time_precision"} if any(column.type == "moment" for column in kind.columns) else set()
        stored = set(RAW_TABLES[kind.table].names) - set(ROW) - {"payload"}
        assert stored <= made, kind.kind
        read_only = {column.raw for column in kind.columns} - stored  # normalised, or of an owner
        assert read_only <= {"prefecture_raw", "email_raw", "corporate_number_raw"}
        assert all(column.why and column.example for column in kind.columns)
        assert not made & {"line_number", "text", "content", "provider_id", "reason", "fault"}, kind.kind
        assert sum(column.type == "moment" for column in kind.columns) <= 1
    assert {kind.source for kind in kinds()} == set(SOURCES)


def test_a_template_filled_with_its_examples_is_read_alike_in_every_format(tmp_path):
    for kind in KINDS:
        row = example(kind)
        land(tmp_path, path_of(kind, "a.csv"), template(kind) + filled(kind, row).split("\r\n")[1].encode())
        book = openpyxl.Workbook()
        book.active.append(list(row))
        book.active.append(list(row.values()))
        stored = io.BytesIO()
        book.save(stored)
        land(tmp_path, path_of(kind, "b.xlsx"), stored.getvalue())
        land(tmp_path, path_of(kind, "c.jsonl"), json.dumps(row, ensure_ascii=False) + "\n")
        land(tmp_path, path_of(kind, "d.csv"), filled(kind, row).replace(",", "\t").encode("cp932"))
    report = run(tmp_path, sources=SOURCES)
    assert report.troubles == []
    assert (report.rows_loaded, report.rows_duplicate) == (len(KINDS), 3 * len(KINDS))
    for kind, described in KINDS.items():
        [row] = rows_of(tmp_path, described.table)
        assert sum(value is None for value in row) <= 2, (kind, row)
        assert any(column.header in line for line in columns_told(kind) for column in described.columns)
    assert query(tmp_path, "select touch_type, occurred_at, time_precision, phone, email_domain"
                 " from raw_touches.entries") == [
        ("call", datetime(2026, 5, 10, 5, 30), "second", "+81352345678", "example.co.jp")
    ]  # fmt: skip
    assert query(tmp_path, "select budget_on, amount_jpy from raw_costs.budgets") == [
        (date(2026, 5, 1), 800_000)
    ]
    assert query(tmp_path, "select time_precision, score from raw_surveys.answers") == [("day", 4)]
    assert_accounted(tmp_path)


def test_japanese_headers_and_words_are_understood(tmp_path):
    land(
        tmp_path,
        "touches/calls/5月.csv",
        "日付,種別,氏名,電話番号,結果\n2026年5月1日,架電,山田 太郎,03-5234-5678,不在\n"
        "2026/5/2,ＦＡＸ,鈴木,03-5234-5679,\n".replace("ＦＡＸ", "ファックス"),
    )
    land(tmp_path, "touches/seminar/columns.yml", "columns: {来場日: occurred_at, 貴社: company}\n"
         "every_row: {touch_type: seminar_attended, campaign_id: seminar-2026-05}\n")  # fmt: skip
    land(tmp_path, "touches/seminar/list.csv", "貴社,来場日\n㈱テスト,2026-05-03\n")
    land(tmp_path, "costs/b.csv", '施策ID,予算月,予算額\nexpo,2026年5月,"¥1,000,000"\n')
    assert run(tmp_path, sources=["touches", "costs"]).troubles == []
    assert query(
        tmp_path,
        "select touch_type, occurred_at, time_precision, person_name, company_key, campaign_id"
        " from raw_touches.entries order by 2",
    ) == [
        ("call", datetime(2026, 4, 30, 15), "day", "山田太郎", None, None),
        ("fax", datetime(2026, 5, 1, 15), "day", "鈴木", None, None),
        ("seminar_attended", datetime(2026, 5, 2, 15), "day", None, "テスト", "seminar-2026-05"),
    ]
    assert query(tmp_path, "select budget_on, amount_jpy from raw_costs.budgets") == [
        (date(2026, 5, 1), 1_000_000)
    ]


def test_what_cannot_be_right_is_rejected_with_the_mend(tmp_path):
    bad = {
        "touches": {
            "touch_type": ("telepathy", "is no word that is known: write one of call, visit"),
            "occurred_at": ("2026-02-30", 'occurred_at "2026-02-30" does not exist'),
            "touch_id": ("9.01E+12", "was shortened by Excel"),
            "lead_id": ("1e+11", "was shortened by Excel"),
        },
        "surveys": {"score": ("four", 'score "four"'), "question_id": ("", "the row has no question_id")},
        "points": {"points": ("", "the row has no points"), "member_id": ("4.9E+12", "shortened by Excel")},
        "budgets": {
            "budget_jpy": ("a lot", 'budget_jpy "a lot"'),
            "budget_month": ("2026-13", "budget_month"),
        },
        "ab": {"variant": ("-", "the row has no variant")},
    }
    for kind, columns in bad.items():
        rows = [example(kind) | {column: text} for column, (text, _) in columns.items()]
        land(tmp_path, path_of(kind, "bad.csv"), filled(kind, *rows, example(kind)))
    nobody = example("touches") | dict.fromkeys(KINDS["touches"].one_of, "")
    land(tmp_path, "touches/nobody.csv", filled("touches", nobody))
    report = run(tmp_path, sources=SOURCES)
    assert report.rows_loaded == len(bad) and report.rows_rejected == sum(map(len, bad.values())) + 1
    reasons = query(tmp_path, "select path, line_number, reason from raw_intake.rejects")
    told = {(path, line): reason for path, line, reason in reasons}
    for kind, columns in bad.items():
        for line, (_, mend) in enumerate(columns.values(), start=2):
            assert mend in told[(path_of(kind, "bad.csv"), line)]
    assert "has no email or phone or lead_id" in told[("touches/nobody.csv", 2)]
    assert all("send the row again" in reason for reason in told.values())
    assert_accounted(tmp_path)


def test_a_header_that_says_too_little_names_what_is_needed(tmp_path):
    land(tmp_path, "surveys/x.csv", "survey_id,answer\n1,2\n")
    land(tmp_path, "social/x.jsonl", '{"network": "x"}\n')
    land(tmp_path, "ab/x.csv", "experiment_id,variant\na,b\n")
    report = run(tmp_path, sources=SOURCES)
    told = {sentence.split()[0]: sentence for sentence in report.troubles}
    assert "surveys (answered_at, question_id, survey_id)" in told["surveys/x.csv"]
    assert "`ikusei lists template ab`" in told["ab/x.csv"]
    assert report.rows_loaded == 0 and "touch_type" in told["social/x.jsonl"]


def test_hostile_strings_pass_every_kind_unharmed(tmp_path):
    strings = [text for text in json.loads(shared("strings_blns/blns.json").read_text()) if text.strip()]
    for kind in NEW:
        free = [column.header for column in free_columns(kind)]
        rows = [example(kind) | dict.fromkeys(free, text) for text in strings]
        if KINDS[kind].id:
            rows = [row | {KINDS[kind].id: f"id{n}"} for n, row in enumerate(rows)]
        land(tmp_path, path_of(kind, "s.jsonl"), "".join(json.dumps(row) + "\n" for row in rows))
        land(tmp_path, path_of(kind, "s.csv"), filled(kind, *rows).encode())
    assert run(tmp_path, sources=SOURCES).troubles == []
    for kind in NEW:
        for column in (each.raw for each in free_columns(kind)):
            found = query(tmp_path, f"select distinct {column} from {KINDS[kind].table}")
            assert {value for (value,) in found if value is not None} == set(strings) - {"-"}, (kind, column)
    assert_accounted(tmp_path)


def test_any_order_and_split_of_the_new_kinds_gives_the_same_rows(tmp_path):
    rows = {kind: [example(kind) for _ in range(2)] for kind in NEW}
    for kind, both in rows.items():
        text = next(c.header for c in KINDS[kind].columns if c.type in ("text", "code") and not c.required)
        both.append(example(kind) | {text: "別の行"})
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    for kind, every in rows.items():
        land(whole, path_of(kind, "all.csv"), filled(kind, *every))
        land(pieces, path_of(kind, "2.csv"), filled(kind, every[2], every[0]))
    assert run(whole, sources=SOURCES).troubles == run(pieces, sources=SOURCES).troubles == []
    for kind, every in rows.items():
        lines = "".join(json.dumps(dict(reversed(row.items()))) + "\n" for row in every[:2])
        land(pieces, path_of(kind, "1.jsonl"), lines)
    run(pieces, sources=SOURCES)
    assert_accounted(pieces)
    assert everything(pieces) == everything(whole)


def test_a_file_straight_in_landing_is_told_by_its_content(tmp_path):
    for kind in NEW:
        land(tmp_path, f"{kind}.csv", filled(kind, example(kind)))
    report = run(tmp_path)
    assert report.troubles == []
    for kind in NEW:
        assert query(tmp_path, f"select count(*) from {KINDS[kind].table}") == [(1,)]


def test_every_template_is_a_header_that_its_source_knows():
    assert template(LIST).startswith(b"\xef\xbb\xbf") and list(columns_told(LIST))
    with pytest.raises(Exception, match="tarot is no kind of table: choose from list, orders"):
        template("tarot")
