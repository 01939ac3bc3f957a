"""A large batch that is taken in one pass ends in the same rows and counts as one that goes the long way."""

import json

import pytest
from landed_files import assert_accounted, everything, land, query, run

from ingestion import dumps, gathered, lines

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
