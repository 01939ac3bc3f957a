"""The invented world: same seed, same bytes; every format reads back; the truth covers every trace."""

import ast
import csv
import gzip
import hashlib
import io
import json
import os
import re
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
import pytest

from ingestion.world import make, read_settings

REPOSITORY = Path(__file__).parents[1]
UNTIL = date(2026, 10, 31)
FIRST = UNTIL - timedelta(days=299)
COMBINED = re.compile(
    r"^(?P<address>\S+) \S+ \S+ \[(?P<time>[^\]]+)\] "
    r'"(?P<method>[A-Z]+) (?P<target>\S+) HTTP/\d\.\d" (?P<status>\d{3}) (?P<bytes>\d+|-) '
    r'"(?P<referrer>[^"]*)" "(?P<agent>[^"]*)" "(?P<cookie>v[0-9a-f]+|-)"$'
)
SMALL = {"people": 40, "days": 60}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """300 days, so that all three list layouts and a March lie within; every file is whole and readable."""
    out = tmp_path_factory.mktemp("world")
    make(out, people=150, days=300, seed=7, settings={"troubles": {"torn_file": 0, "wrong_encoding": 0}})
    return out


def hashes(folder):
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def web_lines(folder):
    for path in sorted((folder / "landing/web/www").iterdir()):
        content = path.read_bytes()
        text = gzip.decompress(content) if path.suffix == ".gz" else content
        yield path.name, text.decode("ascii").splitlines()


def rows_of(folder, table):
    for path in sorted((folder / "landing/crm" / table).glob("*.csv")):
        yield from csv.DictReader(io.StringIO(path.read_text(encoding="utf-8")))


def mail_events(folder):
    for path in sorted((folder / "landing/email").rglob("*.json*")):
        text = path.read_text(encoding="utf-8")
        yield from json.loads(text) if path.suffix == ".json" else map(json.loads, text.splitlines())


def submissions(folder):
    for path in sorted((folder / "landing/forms").rglob("*.jsonl")):
        yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def truth(folder, name):
    return pq.read_table(folder / "truth" / f"{name}.parquet").to_pylist()


def log_moment(text):
    return datetime.strptime(text, "%d/%b/%Y:%H:%M:%S %z")


def test_same_seed_gives_the_same_bytes_in_another_process(tmp_path):
    for hash_seed in ("1", "2"):
        command = [sys.executable, "-m", "ingestion.world", "make", "--people", "40", "--days", "60"]
        environment = os.environ | {"PYTHONHASHSEED": hash_seed, "TZ": f"UTC{hash_seed}", "LC_ALL": "C"}
        subprocess.run(
            [*command, "--out", str(tmp_path / hash_seed)], cwd=REPOSITORY, env=environment, check=True
        )
    first, second = hashes(tmp_path / "1"), hashes(tmp_path / "2")
    assert len(first) > 20
    assert first == second


def test_another_seed_gives_another_world(tmp_path):
    make(tmp_path / "seven", **SMALL, seed=7)
    make(tmp_path / "eight", **SMALL, seed=8)
    seven, eight = hashes(tmp_path / "seven"), hashes(tmp_path / "eight")
    assert all(
        seven[path] != eight[path] for path in seven if path.startswith("landing/web") and path in eight
    )


def test_every_web_line_is_a_combined_log_line_with_a_cookie(world):
    lines = [line for _, found in web_lines(world) for line in found]
    assert len(lines) > 5000
    assert [line for line in lines if not COMBINED.match(line)] == []


def test_no_web_log_file_holds_a_line_twice(world):
    for name, lines in web_lines(world):
        assert len(set(lines)) == len(lines), name


def test_march_has_late_lines_in_a_later_file_and_one_file_came_twice(world):
    logs = dict(web_lines(world))
    late = [name for name in logs if name.endswith("-late.log")]
    assert late == ["access-2026-06-late.log"]
    assert {COMBINED.match(line)["time"][3:11] for line in logs[late[0]]} == {"Mar/2026"}
    assert not set(logs[late[0]]) & set(logs["access-2026-03.log.gz"])
    copies = [name for name in logs if name.startswith("copy-of-")]
    assert len(copies) == 1
    assert logs[copies[0]] == logs[copies[0].removeprefix("copy-of-")]


def test_the_three_list_layouts_read_back(world):
    lists = sorted((world / "landing/lists").rglob("*.*"))
    assert {path.name for path in lists} == {"eight_meishi.csv", "sansan_export.csv", "meishi.xlsx"}
    for path in lists:
        header, rows = read_list(path)
        assert "会社名" in header
        assert rows and all(len(row) == len(header) for row in rows)


def read_list(path):
    if path.suffix == ".xlsx":
        header, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
        assert all(isinstance(row[header.index("名刺交換日")], datetime) for row in rows)
        return header, rows
    content = path.read_bytes()
    if content.startswith(b"\xef\xbb\xbf"):
        header, *rows = csv.reader(io.StringIO(content.decode("utf-8-sig")))
        return header, rows
    assert content.count(b"\n") == content.count(b"\r\n")
    lines = list(csv.reader(io.StringIO(content.decode("cp932"))))
    start = next(number for number, line in enumerate(lines) if "会社名" in line)
    assert start > 0, "Eight's preamble is missing"
    return lines[start], lines[start + 1 :]


def test_nothing_happens_outside_the_days_and_the_last_day_is_used(world):
    days = [
        log_moment(COMBINED.match(line)["time"]).date() for _, lines in web_lines(world) for line in lines
    ]
    zone = log_moment("01/Jan/2026:00:00:00 +0900").tzinfo
    days += [datetime.fromtimestamp(event["timestamp"], zone).date() for event in mail_events(world)]
    days += [datetime.fromisoformat(row["submitted_at"]).date() for row in submissions(world)]
    columns = {
        "leads": ("created_at", "updated_at"), "opportunities": ("created_at", "closed_at", "updated_at"),
        "opportunity_stages": ("entered_at",), "orders": ("ordered_at", "updated_at"),
        "owners": ("updated_at",), "activities": ("occurred_at",),
    }  # fmt: skip
    for table, names in columns.items():
        rows = list(rows_of(world, table))
        assert rows, table
        days += [date.fromisoformat(row[name][:10]) for row in rows for name in names if row[name]]
    assert min(days) == FIRST
    assert max(days) == UNTIL


def test_truth_covers_every_cookie_and_every_mail_event(world):
    known = {row["value"] for row in truth(world, "identifiers") if row["kind"] == "cookie"}
    seen = {COMBINED.match(line)["cookie"] for _, lines in web_lines(world) for line in lines} - {"-"}
    assert seen == known
    assert {row["visitor_id"] for row in submissions(world) if "visitor_id" in row} <= known
    ids = [event["sg_event_id"] for event in mail_events(world)]
    assert len(set(ids)) == len(ids) > 500
    assert set(ids) == {row["sg_event_id"] for row in truth(world, "email_events")}


def test_truth_has_one_request_per_distinct_web_line(world):
    distinct = {line for _, lines in web_lines(world) for line in lines}
    requests = truth(world, "requests")
    assert len(requests) == len(distinct)
    for request in requests[:: len(requests) // 50]:
        moment = log_moment(COMBINED.match(request["line"])["time"])
        assert moment.astimezone(UTC).replace(tzinfo=None) == request["occurred_at"]


def test_every_identifier_in_the_files_has_its_person_in_the_truth(world):
    known = {}
    for row in truth(world, "identifiers"):
        known.setdefault(row["kind"], set()).add(row["value"])
    assert {row["lead_id"] for row in rows_of(world, "leads")} == known["crm_lead"]
    assert {row["opportunity_id"] for row in rows_of(world, "opportunities")} == known["crm_opportunity"]
    assert {row["order_id"] for row in rows_of(world, "orders")} == known["order"]
    assert {event["mid"] for event in mail_events(world)} == known["mail_token"]
    assert {row["submission_id"] for row in submissions(world)} == known["submission"]
    rows = sum(len(read_list(path)[1]) for path in (world / "landing/lists").rglob("*.*"))
    assert rows == len(known["list_row"])


def test_a_list_row_in_the_truth_names_the_line_that_holds_the_person(world):
    people = {person["person_key"]: person for person in truth(world, "people")}
    rows = [row for row in truth(world, "identifiers") if row["kind"] == "list_row"]
    for row in rows:
        name, _, number = row["value"].rpartition(":")
        path = world / "landing/lists" / name
        given = people[row["person_key"]]["name"].split()[1]
        if path.suffix == ".xlsx":
            text = "".join(str(cell.value) for cell in openpyxl.load_workbook(path).active[int(number)])
        else:
            encoding = "cp932" if "eight" in name else "utf-8-sig"
            text = path.read_bytes().decode(encoding).splitlines()[int(number) - 1]
        assert given in text, row["value"]


def test_the_heroine_hands_a_card_then_downloads_then_reads_a_case_study(world):
    heroine = json.loads((world / "truth/world.json").read_text(encoding="utf-8"))["heroine"]
    assert heroine["name"] == "佐藤 美咲"
    _, rows = read_list(next((world / "landing/lists" / heroine["card"]["list"]).iterdir()))
    cards = [row for row in rows if heroine["email"] in row]
    assert len(cards) == 1
    form = [row for row in submissions(world) if row.get("email") == heroine["email"]]
    assert [row["form_kind"] for row in form] == ["download"]
    pages = [
        (log_moment(match["time"]), match["method"], match["target"])
        for _, lines in web_lines(world)
        for match in map(COMBINED.match, lines)
        if match["cookie"] == heroine["visitor_id"] and not match["target"].startswith("/assets/")
    ]
    pages = sorted(set(pages))[:4]
    assert [target for _, _, target in pages] == [
        "/download/analytics-guide",
        "/download/analytics-guide",
        "/thanks/download-analytics-guide",
        "/case/factory-visualisation",
    ]
    card_day = date.fromisoformat(heroine["card"]["collected_on"])
    assert card_day < pages[0][0].date() < pages[3][0].date()
    deals = [row["created_at"] for row in rows_of(world, "opportunities") if row["lead_id"] == "L000000"]
    assert deals and all(datetime.fromisoformat(created) > pages[3][0] for created in deals)


def test_rates_are_plausible(world):
    requests = truth(world, "requests")
    visitors = {request["visitor_id"] for request in requests if not request["is_machine"]}
    passes = sum(1 for _ in submissions(world))
    assert 0.005 < passes / len(visitors) < 0.04
    deals = {row["opportunity_id"] for row in rows_of(world, "opportunities")}
    assert 0.04 < len(deals) / passes < 0.3


def test_another_persons_files_are_never_removed(tmp_path):
    (tmp_path / "landing").mkdir()
    (tmp_path / "landing/ours.csv").write_text("a,b\n")
    with pytest.raises(ValueError, match="no world wrote"):
        make(tmp_path, **SMALL)
    assert (tmp_path / "landing/ours.csv").exists()


def test_an_unknown_setting_is_named():
    with pytest.raises(ValueError, match=r"troubles\.forwarded_male"):
        read_settings({"troubles": {"forwarded_male": 0}})


def test_the_world_imports_nothing_of_the_product():
    product = {"ingestion", "orchestration", "dashboards", "dbt", "dagster", "dlt", "duckdb"}
    for path in sorted((REPOSITORY / "ingestion/world").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom):
                assert node.level < 2, f"{path.name} reaches outside the package"
                modules = [node.module or ""] if node.level == 0 else []
            else:
                modules = [name.name for name in node.names] if isinstance(node, ast.Import) else []
            assert not product & {module.split(".")[0] for module in modules}, path.name
