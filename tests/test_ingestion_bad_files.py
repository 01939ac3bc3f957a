"""Bad input gives one sentence that names the file, the line and the mend, loses nothing and stops nothing
else.
"""

import gzip
import json
import os
import random
import re
import subprocess
import sys
import time

import pytest
from landed_files import SOURCE_TABLES, assert_accounted, land, query, rows_of, run, shared
from test_ingestion_law import FILES

from ingestion import IngestError, WarehouseLocked

LINE = '10.0.0.{n} - - [01/May/2026:10:00:{n:02} +0900] "GET /a HTTP/1.1" 200 5 "-" "Mozilla/5.0"'
LINES = [LINE.format(n=n) for n in range(10)]
COSTS = "campaign_id,campaign_name,channel,cost_kind,cost_on,amount_jpy\n"
COST = "expo,展示会,event,event,2026-05-01,500000\n"


def form(**fields) -> str:
    return json.dumps({"submission_id": "s1", "submitted_at": "2026-05-01T10:00:00+09:00", **fields}) + "\n"


def test_each_bad_file_fails_alone_with_a_sentence(tmp_path):
    landing = tmp_path / "landing"
    land(tmp_path, "costs/good.csv", COSTS + COST)
    land(tmp_path, "costs/columns.csv", "a,b,c\n1,2,3\n")
    land(tmp_path, "costs/empty.csv", b"")
    land(tmp_path, "costs/folder.csv/.keep", b"")
    land(tmp_path, "lists/x/unknown.csv", "会社名,氏名\nテスト,".encode() + b"\x81\xff\xfd\xa0\n")
    land(tmp_path, "web/www/packed.log.gz", gzip.compress("\n".join(LINES * 99).encode())[:-20])
    land(tmp_path, "lists/x/broken.xlsx", b"PK\x03\x04 not really")
    land(tmp_path, "forms/site/picture.jsonl", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    land(tmp_path, "email/sg/torn.json", '[{"email":"a@b.jp","event":"open","timestamp":1},\n{"email":"a@')
    land(tmp_path, "mystery.txt", "hello\n")
    os.symlink("nowhere", landing / "crm.csv")
    os.mkfifo(landing / "web" / "pipe")
    report = run(tmp_path)
    told = "\n".join(report.troubles)
    for path, mend in {
        "costs/columns.csv": "has no header that is known here",
        "costs/empty.csv": "is empty: send it again with its rows",
        "costs/folder.csv": "is a folder where a file is expected: put the file itself there",
        "lists/x/unknown.csv": "encoding that cannot be read exactly: save it as UTF-8",
        "web/www/packed.log.gz": "is a gzip file that ends too early or is damaged: send the whole",
        "lists/x/broken.xlsx": "save it as XLSX again",
        "forms/site/picture.jsonl": "is not text but some other kind of file: export it as",
        "email/sg/torn.json line 2": "the JSON array is not whole",
        "mystery.txt": "put it in the folder of its source",
        "crm.csv": "is a link to a file that is not there",
        "web/pipe": "is a device or pipe, not a file",
    }.items():
        [sentence] = [
            line for line in report.troubles if line.startswith(path + " ") or line.startswith(path + ":")
        ]
        assert mend in sentence
    assert "Traceback" not in told and len(report.troubles) == 11
    assert report.rows_loaded == 1 and len(rows_of(tmp_path, "raw_costs.entries")) == 1
    assert_accounted(tmp_path)


def test_rows_that_cannot_be_right_are_kept_as_rejects_with_the_mend(tmp_path):
    land(
        tmp_path,
        "costs/c.csv",
        COSTS + COST + "expo,x,event,event,2026-02-30,1\nexpo,x,e,e,2026-05-01,1,2,3\n",
    )
    land(
        tmp_path,
        "forms/site/f.jsonl",
        form() + form(submitted_at="2026-02-30T10:00:00+09:00") + "{torn\n" + "\n",
    )
    land(tmp_path, "web/www/a.log", LINES[0] + "\n" + LINES[1].replace("01/May", "31/Apr") + "\nnonsense\n")
    land(tmp_path, "email/sg/e.jsonl", '{"email":"a@b.jp","event":"teleported","timestamp":1760000000}\n')
    for _ in range(2):  # the second run finds nothing new and doubles nothing
        report = run(tmp_path)
        rejects = query(
            tmp_path, "select path, line_number, text, reason from raw_intake.rejects order by 1, 2"
        )
        assert [(path, line) for path, line, *_ in rejects] == [
            *(("costs/c.csv", 3), ("costs/c.csv", 4), ("email/sg/e.jsonl", 1)),
            *(
                ("forms/site/f.jsonl", 2),
                ("forms/site/f.jsonl", 3),
                ("web/www/a.log", 2),
                ("web/www/a.log", 3),
            ),
        ]
        assert_accounted(tmp_path)
    assert report.files == []
    texts = {text for _, _, text, _ in rejects}
    assert {"{torn", "nonsense", "expo,x,event,event,2026-02-30,1"} <= texts
    assert all(": " in reason for *_, reason in rejects)


@pytest.mark.parametrize("cut", [30, 70, len(LINES[-1]) - 1])
def test_a_torn_last_line_waits_for_its_rest(tmp_path, cut):
    whole = "\n".join(LINES) + "\n"
    torn = "\n".join([*LINES[:-1], LINES[-1][:cut]])
    land(tmp_path, "web/www/a.log", torn)
    [trouble] = run(tmp_path).troubles
    assert trouble.startswith("web/www/a.log line 10 has no line end yet")
    assert len(rows_of(tmp_path, "raw_web.requests")) == 9
    land(tmp_path, "web/www/a.log", whole)
    assert run(tmp_path).troubles == []
    assert len(rows_of(tmp_path, "raw_web.requests")) == 10
    assert_accounted(tmp_path)


def test_a_last_line_without_a_line_end_is_not_lost(tmp_path):
    land(tmp_path, "web/www/whole.log", "\n".join(LINES))
    old = land(tmp_path, "web/old/cut.log", "\n".join(LINES)[:-5])
    land(tmp_path, "web/packed/cut.log.gz", gzip.compress("\n".join(LINES)[:-5].encode()))
    land(tmp_path, "costs/c.csv", (COSTS + COST).rstrip("\n"))
    land(tmp_path, "forms/site/f.jsonl", form().rstrip("\n"))
    yesterday = time.time() - 86_400
    os.utime(old, (yesterday, yesterday))
    report = run(tmp_path)
    assert (report.rows_loaded, report.troubles) == (32, [])


def test_a_line_that_was_taken_too_early_is_taken_back(tmp_path):
    cookie = ' "visitor-1"'
    land(tmp_path, "web/www/a.log", LINES[0])  # whole as far as anyone can see
    land(tmp_path, "web/www/b.log", LINES[0] + "\n")  # the very line, rightly
    run(tmp_path)
    land(tmp_path, "web/www/a.log", LINES[0] + cookie + "\n")
    run(tmp_path)
    assert {row[5] for row in rows_of(tmp_path, "raw_web.requests")} >= set()
    visitors = query(tmp_path, "select source_file, visitor_id from raw_web.requests order by 1")
    assert visitors == [("web/www/a.log", "visitor-1"), ("web/www/b.log", None)]
    assert_accounted(tmp_path)


def test_a_file_that_grows_is_read_on_and_repeats_in_it_are_counted(tmp_path):
    whole = (LINES + LINES[:3] + LINES[:3]) * 2
    for end in (4, 11, 12, 20, 32):
        land(tmp_path, "web/www/a.log", "".join(line + "\n" for line in whole[:end]))
        run(tmp_path, sources=["web"])
        assert query(tmp_path, "select rows_read, rows_loaded from raw_intake.files") == [(end, end)]
    land(tmp_path / "once", "web/www/a.log", "".join(line + "\n" for line in whole))
    run(tmp_path / "once", sources=["web"])
    assert rows_of(tmp_path, "raw_web.requests") == rows_of(tmp_path / "once", "raw_web.requests")


def test_a_locked_warehouse_says_who_holds_it(tmp_path):
    land(tmp_path, "costs/c.csv", COSTS + COST)
    holder = subprocess.Popen(
        [
            *(sys.executable, "-c"),
            "import duckdb, sys; con = duckdb.connect(sys.argv[1]); print('held', flush=True);"
            " sys.stdin.read()",
            str(tmp_path / "warehouse.duckdb"),
        ],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    try:
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(WarehouseLocked, match=f"in use by process {holder.pid}: wait"):
            run(tmp_path)
    finally:
        holder.communicate(b"")
    assert run(tmp_path).rows_loaded == 1


def test_what_cannot_be_done_at_all_is_an_error_with_the_mend(tmp_path):
    with pytest.raises(IngestError, match="is no source: choose from web"):
        run(tmp_path, sources=["fax"])
    with pytest.raises(IngestError, match="is no time zone"):
        run(tmp_path, zone="Asia/Edo")
    (tmp_path / "warehouse.duckdb").write_text("this is a letter, not a warehouse" * 99)
    with pytest.raises(IngestError, match="is not a DuckDB warehouse"):
        run(tmp_path)


def test_hostile_strings_pass_unharmed(tmp_path):
    strings = json.loads(shared("strings_blns/blns.json").read_text())
    records = [
        form(submission_id=f"s{n}", message=text, name=text, company=text, email=text, phone=text, page=text)
        for n, text in enumerate(strings)
    ]
    land(tmp_path, "forms/site/f.jsonl", "".join(records))
    report = run(tmp_path, sources=["forms"])
    assert (report.rows_loaded, report.troubles) == (len(strings), [])
    rows = query(
        tmp_path, "select submission_id, message, person_name_raw, payload from raw_forms.submissions"
    )
    for submission_id, message, name, payload in rows:
        text = strings[int(submission_id[1:])]
        assert json.loads(payload)["message"] == text
        assert message == name == (None if text in ("", "-") else text)


# Two hundred bad files, made of good ones ---------------------------------------------------------------


def a_bad_line(path: str, lines: list[str], dice: random.Random) -> bytes:
    """One line that is no record, anywhere below the header."""
    at = dice.randrange(1, len(lines))
    torn = {"web": "out of disk on /dev/sda1", "forms": '{"submission_id": "s', "email": '{"event": "open"'}
    bad = torn.get(path.split("/")[0], lines[at] + ",one,cell,too,many")
    return "\n".join([*lines[:at], bad, *lines[at:]]).encode() + b"\n"


def an_impossible_time(path: str, lines: list[str], dice: random.Random) -> bytes:
    """A day that no calendar has."""
    at = dice.randrange(1, len(lines))
    days = r"\d\d/May/2026|2026-05-\d\d|2026/05/\d\d|\"timestamp\": \d+"
    wrong = {"web": "31/Apr/2026", "email": '"timestamp": "soon"'}.get(path.split("/")[0], "2026-02-30")
    lines = [*lines[:at], re.sub(days, wrong, lines[at]), *lines[at + 1 :]]
    return "\n".join(lines).encode() + b"\n"


def torn_packing(path: str, lines: list[str], dice: random.Random) -> bytes:
    packed = gzip.compress("\n".join(lines).encode(), mtime=0)
    return packed[: dice.randrange(20, len(packed) - 1)]


def damaged_packing(path: str, lines: list[str], dice: random.Random) -> bytes:
    packed = bytearray(gzip.compress("\n".join(lines).encode(), mtime=0))
    packed[-dice.randrange(5, 9)] ^= 1 << dice.randrange(8)  # the checksum at the end
    return bytes(packed)


def nothing_at_all(path: str, lines: list[str], dice: random.Random) -> bytes:
    return b""


def another_kind_of_file(path: str, lines: list[str], dice: random.Random) -> bytes:
    return b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + dice.randbytes(dice.randrange(100, 2000))


def a_workbook_that_is_none(path: str, lines: list[str], dice: random.Random) -> bytes:
    return b"PK\x03\x04" + dice.randbytes(500)


def a_torn_array(path: str, lines: list[str], dice: random.Random) -> bytes:
    whole = "[" + ",\n".join(lines) + "]"
    return whole[: -dice.randrange(2, 60)].encode()


def another_header(path: str, lines: list[str], dice: random.Random) -> bytes:
    return "\n".join(["a,b,c,d,e,f"[: dice.randrange(3, 12)], *lines[1:]]).encode()


ANY = (a_bad_line, an_impossible_time, torn_packing, damaged_packing, nothing_at_all, another_kind_of_file)
TABLES = (*ANY, a_workbook_that_is_none, another_header)
MUTATIONS = {"web": ANY, "forms": (*ANY, a_torn_array), "email": (*ANY, a_torn_array)}


def test_two_hundred_bad_files_give_two_hundred_clear_sentences(tmp_path):
    dice, made = random.Random(200), {}
    for number in range(200):
        good = dice.choice(sorted(FILES))
        source = good.split("/")[0]
        mutation = dice.choice(MUTATIONS.get(source, TABLES))
        path = f"{source}/bad{number}/{mutation.__name__}-{good.rpartition('/')[2]}"
        land(tmp_path, path, mutation(good, FILES[good], dice))
        made[path] = mutation
    report = run(tmp_path)
    recorded = {path for (path,) in query(tmp_path, "select path from raw_intake.files")}
    held = " union all ".join(f"select source_file from {table}" for table in SOURCE_TABLES)
    loaded = {path for (path,) in query(tmp_path, f"select distinct source_file from ({held})")}
    for path in made:
        [sentence] = [line for line in report.troubles if line.startswith((path + " ", path + ":"))]
        assert ": " in sentence and "Traceback" not in sentence and "rror:" not in sentence, sentence
        if made[path] in (a_bad_line, an_impossible_time):
            assert re.search(r" line \d+: ", sentence), sentence
        assert path in recorded or path not in loaded, sentence  # read to its end, or nothing of it
    assert len(report.troubles) == 200
    assert_accounted(tmp_path)
