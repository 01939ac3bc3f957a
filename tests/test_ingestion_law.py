"""The order-proof law: files of every kind in any order, split anywhere, repeated, packed and spread over
runs end in the same raw tables.
"""

import gzip
import json
import random
import shutil
import tempfile
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from landed_files import assert_accounted, everything, land, run

AGENT = (
    '"GET /products/crm?utm_source=x&mid=t{n} HTTP/1.1" 200 512 "https://example.jp/" "Mozilla/5.0" "v{n}"'
)
FILES: dict[str, list[str]] = {
    "web/www/access.log": [
        f"10.0.0.{n} - - [0{n % 7 + 1}/May/2026:10:00:00 +0900] " + AGENT.format(n=n % 4)
        for n in (1, 2, 3, 1, 1, 4, 2, 5)
    ],
    "forms/site/s.jsonl": [
        json.dumps(
            {
                "submission_id": f"s{n % 4}",
                "submitted_at": "2026-05-01T10:00:00+09:00",
                "name": "山田",
                "n": n // 4,
            }
        )
        for n in range(7)
    ],
    "email/sg/e.jsonl": [
        json.dumps(
            {
                "email": "a@example.jp",
                "event": "open",
                "timestamp": 1760000000 + n,
                "sg_event_id": f"e{n % 5}",
            }
        )
        for n in range(6)
    ],
    "crm/x/leads.csv": [
        "lead_id,email,name,company,created_at,updated_at",
        *(f"L{n % 3},a{n}@example.jp,山田,株式会社テスト,2026-05-01,2026-05-0{n + 1}" for n in range(5)),
    ],
    "lists/expo/visitors.csv": [
        "会社名,氏名,メールアドレス,来場日",
        *("㈱テスト,山田 太郎,a@example.jp,2026/05/01" for _ in range(3)),
        "テスト,鈴木,,2026/05/02",
    ],
    "costs/c.csv": [
        "campaign_id,campaign_name,channel,cost_kind,cost_on,amount_jpy",
        *(f"expo,展示会,event,event,2026-05-0{n},{n}000" for n in (1, 2, 1)),
    ],
}


def first_of_each(tables: dict[str, set[tuple]]) -> dict[str, set[tuple]]:
    """The rows with occurrence 1: what the models read."""
    return {table: {row for row in rows if row[2] == 1} for table, rows in tables.items()}


@cache
def in_one_run() -> dict[str, set[tuple]]:
    home = Path(tempfile.mkdtemp())
    for path, lines in FILES.items():
        land(home, path, "\n".join(lines) + "\n")
    assert run(home).troubles == []
    tables = everything(home)
    shutil.rmtree(home)
    return tables


@st.composite
def deliveries(draw) -> list[list[tuple[str, bytes]]]:
    """Runs, each with the files that have landed by then: pieces of two sources' files, and the whole of one
    again.
    """
    pieces: list[tuple[str, bytes]] = []
    chosen = draw(st.lists(st.sampled_from(sorted(FILES)), min_size=2, max_size=2, unique=True))
    for path in chosen:
        header, rows = (FILES[path][:1], FILES[path][1:]) if path.endswith(".csv") else ([], FILES[path])
        cuts = sorted(draw(st.lists(st.integers(0, len(rows)), max_size=3)))
        for number, (begin, end) in enumerate(zip([0, *cuts], [*cuts, len(rows)], strict=True)):
            text = "\n".join(header + rows[begin:end]) + draw(st.sampled_from(["\n", ""]))
            packed = draw(st.booleans())
            name = (
                f"{Path(path).parent}/{draw(st.integers(0, 99))}-{number}-{Path(path).name}" + ".gz" * packed
            )
            if text.strip():
                pieces.append((name, gzip.compress(text.encode()) if packed else text.encode()))
    pieces.append((f"{Path(chosen[0]).parent}/again", ("\n".join(FILES[chosen[0]]) + "\n").encode()))
    pieces = draw(st.permutations(pieces))
    cut = draw(st.integers(0, len(pieces)))
    return [pieces[:cut], pieces[cut:]]


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(deliveries())
def test_any_order_split_and_repetition_gives_the_same_rows(runs):
    home = Path(tempfile.mkdtemp())
    try:
        for pieces in runs:
            for path, content in pieces:
                land(home, path, content)
            assert run(home).troubles == []
        assert_accounted(home)
        sources = {path.split("/")[0] for pieces in runs for path, _ in pieces}
        expected = {
            table: rows if table.split(".")[0].removeprefix("raw_") in sources else set()
            for table, rows in first_of_each(in_one_run()).items()
        }
        assert first_of_each(everything(home)) == expected
    finally:
        shutil.rmtree(home)


def test_growth_in_any_steps_of_bytes_gives_the_same_rows(tmp_path):
    dice = random.Random(8)
    whole = {path: ("\n".join(lines) + "\n").encode() for path, lines in FILES.items()}
    cuts = {
        path: [*sorted(dice.sample(range(1, len(content)), 2)), len(content)]
        for path, content in whole.items()
    }
    for step in range(3):
        for path, content in whole.items():
            land(tmp_path, path, content[: cuts[path][step]])
        run(tmp_path)
        assert_accounted(tmp_path)
    assert everything(tmp_path) == in_one_run()
