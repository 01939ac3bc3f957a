"""Form submissions as they are sent: any layout, Japanese field names, nested answers, nothing lost."""

import csv
import io
import json

from landed_files import assert_accounted, land, query, rows_of, run, shared

COLUMNS = (
    "submission_id, email, person_name, company_name, department, phone, message, has_consent, occurred_at"
)
JAPANESE = {
    "受付番号": "7",
    "送信日時": "2026/05/01 10:05:00",
    "お名前 (必須)": "山田 太郎",
    "会社名": "㈱テスト",
    "部署名": "営業部",
    "メールアドレス※": "Taro@Example.co.jp",
    "電話番号": "03-1234-5678",
    "お問い合わせ内容": "資料を\nお願いします",
    "個人情報の取り扱いについて": "同意する",
    "好きな色": "青",
}
THE_PERSON = (
    *("7", "taro@example.co.jp", "山田太郎", "(株)テスト", "営業部", "+81312345678", "資料を\nお願いします"),
    *(True, "2026-05-01 01:05:00"),
)


def table_of(rows: list[dict], encoding: str = "utf-8") -> bytes:
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue().encode(encoding)


def people(home) -> list[tuple]:
    found = query(
        home, f"select {COLUMNS.replace('occurred_at', 'occurred_at::varchar')} from raw_forms.submissions"
    )
    return sorted(found, key=str)


def test_json_lines_csv_and_an_object_a_file_read_alike(tmp_path):
    land(tmp_path, "forms/lines/a.jsonl", json.dumps(JAPANESE, ensure_ascii=False) + "\n")
    land(tmp_path, "forms/table/a.csv", table_of([JAPANESE], "cp932"))
    land(tmp_path, "forms/object/one.json", json.dumps(JAPANESE, indent=2, ensure_ascii=False))
    land(tmp_path, "forms/object/again.json", json.dumps(JAPANESE))
    land(tmp_path, "forms/array/a.json", json.dumps([JAPANESE], ensure_ascii=False))
    report = run(tmp_path, sources=["forms"])
    assert (report.rows_loaded, report.rows_duplicate, report.troubles) == (4, 1, [])
    assert people(tmp_path) == [THE_PERSON] * 4
    payloads = query(tmp_path, "select payload from raw_forms.submissions where stream <> 'table'")
    assert [json.loads(payload) for (payload,) in payloads] == [JAPANESE] * 3
    [(kept,)] = query(tmp_path, "select payload from raw_forms.submissions where stream = 'table'")
    assert json.loads(kept)["好きな色"] == "青"
    assert_accounted(tmp_path)


def test_a_columns_yml_says_what_the_fields_of_a_form_mean(tmp_path):
    land(
        tmp_path,
        "forms/fair/columns.yml",
        "columns:\n  q1: email\n  q2: company\n  q3: submitted_at\nevery_row:\n  form_id: fair\n",
    )
    land(tmp_path, "forms/fair/a.jsonl", '{"q1":"a@example.jp","q2":"テスト","q3":"2026-05-01","q4":"?"}\n')
    assert run(tmp_path, sources=["forms"]).troubles == []
    found = query(tmp_path, "select email, company_name, form_id, payload from raw_forms.submissions")
    assert found == [
        ("a@example.jp", "テスト", "fair", '{"q1":"a@example.jp","q2":"テスト","q3":"2026-05-01","q4":"?"}')
    ]


def test_nested_answers_are_read_and_kept(tmp_path):
    nested = [
        {
            "submitted_at": 1777597500,
            "contact": {"email": "a@example.jp", "お名前": "山田太郎"},
            "consent": ["はい"],
        },
        {
            "created_at": "2026-05-01T10:05:00+09:00",
            "fields": [{"name": "email", "value": "a@example.jp"}, {"label": "お名前", "value": "山田太郎"}],
            "agree": True,
        },
        {
            "timestamp": 1777597500000,
            "email": "a@example.jp",
            "姓": "山田",
            "名": "太郎",
            "同意": "yes",
            "x": [[1]],
        },
    ]
    land(tmp_path, "forms/f/a.jsonl", "".join(json.dumps(record) + "\n" for record in nested))
    report = run(tmp_path, sources=["forms"])
    assert (report.rows_loaded, report.troubles) == (3, [])
    found = query(
        tmp_path, "select email, person_name, has_consent, occurred_at::varchar from raw_forms.submissions"
    )
    assert found == [("a@example.jp", "山田太郎", True, "2026-05-01 01:05:00")] * 3
    payloads = query(tmp_path, "select payload from raw_forms.submissions order by line_number")
    assert [json.loads(payload) for (payload,) in payloads] == nested


def test_a_text_that_looks_like_json_stays_a_text(tmp_path):
    said = '{"a": [1, 2]}'
    land(
        tmp_path,
        "forms/f/a.jsonl",
        json.dumps({"submitted_at": "2026-05-01", "お問い合わせ内容": said}) + "\n",
    )
    run(tmp_path, sources=["forms"])
    assert query(tmp_path, "select message from raw_forms.submissions") == [(said,)]


def test_naughty_strings_pass_unchanged_under_any_name_and_layout(tmp_path):
    strings = json.loads(shared("strings_blns/blns.json").read_text())
    records = [
        {"受付番号": f"s{n}", "送信日時": "2026-05-01 10:00:00", "お名前": text, "メールアドレス": text}
        | {"会社名": text, "電話番号": text, "お問い合わせ内容": text, "自由": text}
        for n, text in enumerate(strings)
    ]
    land(tmp_path, "forms/lines/a.jsonl", "".join(json.dumps(one) + "\n" for one in records))
    land(tmp_path, "forms/array/a.json", json.dumps(records, indent=1, ensure_ascii=False))
    land(tmp_path, "forms/table/a.csv", table_of(records))
    report = run(tmp_path, sources=["forms"])
    assert (report.rows_loaded, report.troubles) == (3 * len(strings), [])
    rows = query(
        tmp_path,
        "select stream, submission_id, message, person_name_raw, email_raw, company_name_raw, phone_raw,"
        " payload from raw_forms.submissions",
    )
    for stream, submission_id, *texts, payload in rows:
        text = strings[int(submission_id[1:])]
        kept = json.loads(payload).get("自由", "")
        assert kept == text or (stream == "table" and not text.strip())
        assert set(texts) == {None if text in ("", "-") or not text.strip() else text}, (stream, text)


def test_a_grown_file_of_objects_is_read_on(tmp_path):
    first, second = (json.dumps(JAPANESE | {"受付番号": n}, indent=1) for n in ("1", "2"))
    for end, rows in ((len(first) // 2, 0), (len(first) + 20, 1), (None, 2)):
        land(tmp_path, "forms/f/a.json", (first + "\n" + second + "\n")[:end])
        waiting = ["has not ended yet" in trouble for trouble in run(tmp_path, sources=["forms"]).troubles]
        assert (len(rows_of(tmp_path, "raw_forms.submissions")), waiting) == (rows, [True] * (rows < 2))
    assert_accounted(tmp_path)


def test_bad_submissions_are_kept_with_line_and_mend(tmp_path):
    land(tmp_path, "forms/f/a.jsonl", '{"email":"a@example.jp"}\n{"送信日時":"きのう"}\nnonsense\n[1]\n')
    land(tmp_path, "forms/f/b.csv", "甲,乙\n1,2\n")
    land(tmp_path, "forms/g/columns.yml", "columns: [1\n")
    land(tmp_path, "forms/g/a.jsonl", '{"送信日時":"2026-05-01"}\n')
    report = run(tmp_path, sources=["forms"])
    told = "\n".join(report.troubles)
    assert "Traceback" not in told and len(report.troubles) == 3
    assert "forms/f/a.jsonl line 1: the row has no submitted_at: send it, or say in a columns.yml" in told
    assert "forms/f/b.csv has no header that is known here" in told and "form_fields.csv" in told
    assert "forms/g/a.jsonl cannot be read because its columns.yml" in told
    rejects = query(tmp_path, "select line_number, text from raw_intake.rejects order by 1")
    assert rejects == [
        (1, '{"email":"a@example.jp"}'),
        (2, '{"送信日時":"きのう"}'),
        (3, "nonsense"),
        (4, "1"),
    ]
    assert_accounted(tmp_path)


def test_key_lists_that_read_alike_are_told_apart(tmp_path):
    pairs = [{"a\x1fb": 1, "c": 2}, {"a": 1, "b\x1fc": 2}, {"a": 1, "b": 2, "c": 3}, {"a\x1fb\x1fc": 1}]
    given = [{"submitted_at": "2026-05-01"} | pair for pair in pairs for _ in range(2)]
    land(tmp_path, "forms/f/odd.jsonl", "".join(json.dumps(one) + "\n" for one in given))
    assert run(tmp_path, sources=["forms"]).troubles == []
    payloads = query(tmp_path, "select payload from raw_forms.submissions order by line_number")
    assert [json.loads(payload) for (payload,) in payloads] == given


def test_a_record_has_one_payload_whatever_stands_beside_it(tmp_path):
    said = ("1.10", "1e400", "1e22", "0.00001", "-0.0", "-1E-7", "12345678901234567890123", "1.0", "5e-324")
    said += (
        '"\\u3042\\/\\u0001\\u007f\\u2028\\n\\ud83d\\ude00"',
        '"\\ud83d"',
        "[1.50, true ,null]",
        "null",
        '""',
        "[]",
    )
    lines = [f'{{"submitted_at": "2026-05-01", "b": {text}, "a":1}}' for text in said]
    odd = '{"":1, "":2, "submitted_at": "2026-05-01", "deep": {"z": 1.50, "y": {}}}'
    land(tmp_path, "forms/f/alone.jsonl", "".join(line + "\n" for line in lines))
    assert run(tmp_path, sources=["forms"]).troubles == []
    before = rows_of(tmp_path, "raw_forms.submissions")
    land(tmp_path, "forms/f/beside.jsonl", "".join(line + "\n" for line in [*lines, odd]))
    report = run(tmp_path, sources=["forms"])
    assert (len(before), report.rows_loaded, report.rows_duplicate) == (len(said), 1, len(said))
    [(payload,)] = query(tmp_path, "select payload from raw_forms.submissions where payload like '%deep%'")
    assert payload == '{"":1,"":2,"deep":{"y":{},"z":1.5},"submitted_at":"2026-05-01"}'
