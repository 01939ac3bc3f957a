"""A large batch that is taken in one pass ends in the same rows and counts as one that goes the long way."""

import json
import threading

import duckdb
import pytest
from hypothesis import given as drawn
from hypothesis import settings
from hypothesis import strategies as st
from landed_files import assert_accounted, everything, land, query, run

from ingestion import abreast, dumps, files, gathered, lines

LINE = (
    "10.0.0.{n} - - [01/May/2026:10:00:{n:02} +0900]"
    ' "GET /a?utm_source=x%20y&mid=t{n}+ HTTP/1.1" 200 5 "-" "M"'
)


def _event(n: int, **more) -> str:
    event = {"email": f"User{n}@example.jp", "event": "open", "timestamp": 1_760_000_000 + n}
    return json.dumps(event | {"sg_event_id": f"e{n}", "mid": f" t{n}", "category": ["a", "b"]} | more)


WEB = {
    "all new": [LINE.format(n=n) for n in range(20)],
    "repeated": [LINE.format(n=n % 7) for n in range(20)],
    "repeated in a later batch": [LINE.format(n=n % 17) for n in range(24)],
    "with a torn line": [*(LINE.format(n=n) for n in range(9)), "torn", LINE.format(n=30)],
    "with escapes": [LINE.format(n=n).replace('"M"', r'"M \"x\""') for n in range(9)],
}
EMAIL = {
    "all new": [_event(n) for n in range(20)],
    "repeated": [_event(n % 7) for n in range(20)],
    "with an unknown word": [*(_event(n) for n in range(9)), _event(10, event="dreamt")],
    "with odd addresses": [_event(1), _event(2, email="Ａ@example.jp"), _event(3, email="no address")],
    "with nulls": [_event(1, url=None), _event(2, URL="x"), _event(3, deep={"b": 1, "a": None})],
    "with no record": [_event(1), "no record", "", _event(2)],
}
CASES = [
    *((f"web/www/{name}.log", lines) for name, lines in WEB.items()),
    *((f"email/sg/{name}.jsonl", lines) for name, lines in EMAIL.items()),
]


@pytest.mark.parametrize(("path", "given"), CASES, ids=[path for path, _ in CASES])
def test_one_pass_and_the_long_way_end_in_the_same_rows(tmp_path, monkeypatch, path, given):
    found = []
    for home, rows_at_least in ((tmp_path / "long", 10**9), (tmp_path / "quick", 1)):
        monkeypatch.setattr(dumps, "ROWS_AT_LEAST", rows_at_least)
        monkeypatch.setattr(gathered, "BYTES_AT_MOST", 0)
        monkeypatch.setattr(lines, "LINES_AT_ONCE", 10)
        land(home, path, "\n".join(given) + "\n")
        report = run(home)
        land(home, path.replace(".", "-again."), "\n".join(given[::-1]) + "\n")
        again = run(home)
        assert_accounted(home)
        counts = [
            (one.rows_read, one.rows_loaded, one.rows_duplicate, one.rows_rejected) for one in (report, again)
        ]
        rejects = query(home, "select path, line_number, text, reason from raw_intake.rejects order by all")
        found.append((everything(home), counts, rejects))
    assert found[0] == found[1]


def test_a_dump_of_new_rows_is_taken_in_one_pass(tmp_path, monkeypatch):
    monkeypatch.setattr(dumps, "ROWS_AT_LEAST", 1)
    monkeypatch.setattr(gathered, "BYTES_AT_MOST", 0)
    taken = []
    real = dumps.take
    monkeypatch.setattr(dumps, "take", lambda *given: taken.append(real(*given)) or taken[-1])
    land(tmp_path, "web/www/a.log", "\n".join(WEB["all new"]) + "\n")
    land(tmp_path, "web/www/b.log", "\n".join(WEB["all new"][5:]) + "\n")
    land(tmp_path, "email/sg/e.jsonl", "\n".join(EMAIL["all new"]) + "\n")
    run(tmp_path)
    assert taken == [20, None, 20]


def _read_abreast(monkeypatch, lines_at_once: int = 3) -> list[int]:
    """Makes any file of mail events a large one of many batches; gives what each took abreast."""
    monkeypatch.setattr(files, "BLOCK", 100)
    monkeypatch.setattr(lines, "BYTES_AT_ONCE", 100)
    monkeypatch.setattr(lines, "LINES_AT_ONCE", lines_at_once)
    taken, real = [], abreast.take

    def noted(*given):
        rows, left = real(*given)
        taken.append(rows)
        return rows, left

    monkeypatch.setattr(abreast, "take", noted)
    return taken


ABREAST = {
    **{name: EMAIL[name] for name in ("repeated", "with an unknown word", "with nulls", "with no record")},
    "repeated in the batch beside it": [_event(n) for n in (*range(5), 4, *range(6, 12))],
    "repeated much later": [_event(n) for n in (*range(20), 1)],
    "of two providers": [
        *(_event(n) for n in range(7)),
        json.dumps({"RecordType": "Open", "MessageID": "m"}),
    ],
    "with an array in a line": [*(_event(n) for n in range(7)), f"[{_event(7)},{_event(8)}]", _event(9)],
    "cut off at its end": [*(_event(n) for n in range(7)), '{"email": "a@b.example'],
}


@pytest.mark.parametrize("given", ABREAST.values(), ids=ABREAST)
def test_batches_taken_abreast_and_the_long_way_end_in_the_same_rows(tmp_path, monkeypatch, given):
    found = []
    for home in (tmp_path / "long", tmp_path / "abreast"):
        taken = _read_abreast(monkeypatch) if home.name == "abreast" else [0]
        counts = []
        for name, rows in (("a", given), ("b", given[::-1])):
            land(home, f"email/sg/{name}.jsonl", "\n".join(rows) + "\n" * (name == "b"))
            report = run(home)
            assert_accounted(home)
            counts.append((report.rows_read, report.rows_loaded, report.rows_duplicate, report.troubles))
        rejects = query(home, "select path, line_number, text, reason from raw_intake.rejects order by all")
        found.append((everything(home), counts, rejects))
        assert len(taken) == (2 if home.name == "abreast" else 1)
    assert found[0] == found[1]


def test_a_large_file_of_new_events_is_taken_abreast_and_a_repeat_of_it_is_left(tmp_path, monkeypatch):
    taken = _read_abreast(monkeypatch)
    land(tmp_path, "email/sg/a.jsonl", "\n".join(EMAIL["all new"]) + "\n")
    land(tmp_path, "email/sg/b.jsonl", "\n".join(EMAIL["all new"]) + "\n")
    report = run(tmp_path)
    assert taken == [20, 0]
    assert (report.rows_loaded, report.rows_duplicate) == (20, 20)


@settings(max_examples=8, deadline=None)
@drawn(picked=st.lists(st.integers(0, 30), min_size=1, max_size=40), at_once=st.integers(1, 9))
def test_whatever_is_repeated_where_each_event_is_loaded_once(tmp_path_factory, picked, at_once):
    home = tmp_path_factory.mktemp("drawn")
    with pytest.MonkeyPatch.context() as patched:
        _read_abreast(patched, at_once)
        land(home, "email/sg/a.jsonl", "".join(_event(n) + "\n" for n in picked))
        report = run(home)
    assert (report.rows_read, report.rows_loaded) == (len(picked), len(set(picked)))
    assert query(home, "select count(*), count(distinct event_id) from raw_email.events") == [
        (len(set(picked)), len(set(picked)))
    ]
    assert_accounted(home)


def test_a_thread_that_fails_stops_the_other_and_leaves_nothing_of_the_file(tmp_path, monkeypatch):
    _read_abreast(monkeypatch)
    real, before = dumps.inserted, threading.active_count()

    def failing(con, loader, name, plan, clock):
        if con.execute("select min(line_number) from unread").fetchone() == (7,):
            raise duckdb.InvalidInputException("torn")
        return real(con, loader, name, plan, clock)

    with monkeypatch.context() as broken:
        broken.setattr(dumps, "inserted", failing)
        land(tmp_path, "email/sg/a.jsonl", "\n".join(EMAIL["all new"]) + "\n")
        report = run(tmp_path)
        assert report.troubles == ["email/sg/a.jsonl cannot be read (torn): mend it"]
    assert query(tmp_path, "select count(*) from raw_email.events") == [(0,)]
    assert threading.active_count() == before
    assert run(tmp_path).rows_loaded == 20
