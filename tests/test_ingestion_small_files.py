"""Small files that are parsed together end in the same rows, counts and sentences as each alone.

`IKUSEI_LONG_TESTS=1` tries thirty sets of files instead of two.
"""

import json
import os
import tempfile
from pathlib import Path

import duckdb
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from landed_files import assert_accounted, everything, land, query, run

from ingestion import forms, gathered

LINE = '10.0.0.{n} - - [01/May/2026:10:00:0{n} +0900] "GET /{n}?utm_source=x HTTP/1.1" 200 5 "-" "M"'
ODD = r'10.0.0.9 - - [01/May/2026:10:00:00 +0900] "\x16" 400 0'
LINES = [*(LINE.format(n=n) for n in range(4)), "torn", ODD]
FORMAT = """log_format: '%h %l %u %t "%r" %>s %b "%{User-agent}i" "%{Referer}i"'\n"""
LOGS = st.dictionaries(
    st.sampled_from(["www/a.log", "www/b.log", "www/c.log", "shop/a.log", "iis/a.log", "odd/a.log"]),
    st.lists(st.sampled_from(LINES), min_size=1, max_size=8),
    min_size=1,
)


def _submission(n: int, **more) -> dict:
    return {
        "form_id": "contact",
        "submitted_at": f"2026-05-01T10:00:0{n}+09:00",
        "email": f"a{n}@b.example",
    } | more


SUBMISSIONS = [
    _submission(1),
    _submission(1, submission_id="s1"),
    _submission(1, submission_id="s1", message="otherwise"),
    _submission(2, お名前="山田", extra={"b": 1, "a": [None, 2]}),
    _submission(3, stamp="2026-05-01", submitted_at=None),
    {"form_id": "no time"},
]
TEXTS = [
    *(json.dumps(one, ensure_ascii=False) for one in SUBMISSIONS),
    *(json.dumps(one, indent=1) for one in SUBMISSIONS[:3]),
    *('{"form_id": "torn', "no record", "", "[" + json.dumps(SUBMISSIONS[0]) + ", 3]"),
]
FORMS = st.dictionaries(
    st.sampled_from(["site/1.json", "site/2.json", "site/3.json", "shop/1.json", "own/1.json", "own/2.json"]),
    st.lists(st.sampled_from(TEXTS), min_size=1, max_size=4),
    min_size=1,
)
COLUMNS = "columns:\n  stamp: submitted_at\nevery_row:\n  form_id: own\n"


def land_forms(home: Path, forms: dict[str, list[str]]) -> None:
    """Lands the submissions, those of one folder with names of their own."""
    for path, texts in forms.items():
        land(home, f"forms/{path}", "\n".join(texts) + "\n")
    land(home, "forms/own/columns.yml", COLUMNS)


def land_logs(home: Path, logs: dict[str, list[str]]) -> None:
    """Lands the logs, one of them in a format of its own."""
    for path, lines in logs.items():
        if path.startswith("odd"):
            lines = [line.replace('"-" "M"', '"M" "-"') for line in lines]
        land(home, f"web/{path}", "\n".join(lines) + "\n")
    land(home, "web/odd/format.yml", FORMAT)


def came_of(logs: dict[str, list[str]], later: dict[str, list[str]], land_all=land_logs) -> tuple:
    """Rows, counts, rejects and sentences of two runs over the files."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        land_all(home, logs)
        reports = [run(home)]
        land_all(home, later)
        reports.append(run(home))
        assert_accounted(home)
        counts = [
            sorted((file.path, file.rows_read, file.rows_loaded, file.rows_rejected) for file in report.files)
            for report in reports
        ]
        rejects = query(home, "select path, line_number, text, reason from raw_intake.rejects order by all")
        troubles = [sorted(report.troubles) for report in reports]
        return everything(home), counts, rejects, troubles


@settings(
    max_examples=30 if os.environ.get("IKUSEI_LONG_TESTS") == "1" else 2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(logs=LOGS, later=LOGS)
def test_together_and_alone_are_the_same(monkeypatch, logs, later):
    monkeypatch.setattr(gathered, "BYTES_AT_MOST", 0)
    alone = came_of(logs, later)
    monkeypatch.setattr(gathered, "BYTES_AT_MOST", 65_536)
    assert came_of(logs, later) == alone


def test_a_thousandth_file_costs_no_plan_of_its_own(tmp_path, monkeypatch):
    taken = _gathered(monkeypatch)
    for number in range(9):
        land(tmp_path, f"web/s{number % 3}/{number}.log", LINE.format(n=number) + "\n")
    assert run(tmp_path).rows_loaded == 9
    assert taken == [9]


@settings(
    max_examples=30 if os.environ.get("IKUSEI_LONG_TESTS") == "1" else 2,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@example(
    forms={f"site/{n}.json": TEXTS[n : n + 5] for n in range(1, 9, 3)} | {"own/1.json": TEXTS[4:7]},
    later={"site/2.json": TEXTS[:9], "shop/1.json": TEXTS[:2] * 2},
)
@given(forms=FORMS, later=FORMS)
def test_forms_together_and_alone_are_the_same(monkeypatch, forms, later):
    monkeypatch.setattr(gathered, "BYTES_AT_MOST", 0)
    alone = came_of(forms, later, land_forms)
    monkeypatch.setattr(gathered, "BYTES_AT_MOST", 65_536)
    assert came_of(forms, later, land_forms) == alone


def _gathered(monkeypatch) -> list[int]:
    """How many files are taken together, each time."""
    taken, real = [], gathered.Gathering.take

    def noted(self):
        files = real(self)
        taken.extend([len(files)] if files else [])
        return files

    monkeypatch.setattr(gathered.Gathering, "take", noted)
    return taken


@pytest.mark.parametrize("indent", [None, 2], ids=["a line", "several lines"])
def test_a_file_for_each_submission_costs_no_plan_of_its_own(tmp_path, monkeypatch, indent):
    taken = _gathered(monkeypatch)
    for number in range(9):
        text = json.dumps(_submission(number, submission_id=f"s{number}"), indent=indent)
        land(tmp_path, f"forms/s{number % 3}/{number}.json", text + "\n")
    assert run(tmp_path).rows_loaded == 9
    assert taken == [9]


def test_files_that_cannot_be_parsed_together_are_read_one_by_one(tmp_path, monkeypatch):
    for number in range(4):
        land(tmp_path, f"forms/site/{number}.json", json.dumps(_submission(number)) + "\n")
    real = forms.name_fields

    def failing(con, found):
        if con.execute("select count(*) from batch").fetchone() != (1,) or found.path.endswith("2.json"):
            raise duckdb.InvalidInputException("odd")
        real(con, found)

    with monkeypatch.context() as broken:
        broken.setattr(forms, "name_fields", failing)
        report = run(tmp_path)
    assert report.troubles == ["forms/site/2.json cannot be read (odd): mend it"]
    assert sorted(file.rows_loaded for file in report.files) == [0, 1, 1, 1]
    assert run(tmp_path).rows_loaded == 1
    assert_accounted(tmp_path)
