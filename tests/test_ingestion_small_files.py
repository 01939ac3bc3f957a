"""Small web logs that are parsed together end in the same rows, counts and sentences as each alone.

`IKUSEI_LONG_TESTS=1` tries thirty sets of files instead of two.
"""

import os
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from landed_files import assert_accounted, everything, land, query, run

from ingestion import gathered

LINE = '10.0.0.{n} - - [01/May/2026:10:00:0{n} +0900] "GET /{n}?utm_source=x HTTP/1.1" 200 5 "-" "M"'
ODD = r'10.0.0.9 - - [01/May/2026:10:00:00 +0900] "\x16" 400 0'
LINES = [*(LINE.format(n=n) for n in range(4)), "torn", ODD]
FORMAT = """log_format: '%h %l %u %t "%r" %>s %b "%{User-agent}i" "%{Referer}i"'\n"""
LOGS = st.dictionaries(
    st.sampled_from(["www/a.log", "www/b.log", "www/c.log", "shop/a.log", "iis/a.log", "odd/a.log"]),
    st.lists(st.sampled_from(LINES), min_size=1, max_size=8),
    min_size=1,
)


def land_logs(home: Path, logs: dict[str, list[str]]) -> None:
    """Lands the logs, one of them in a format of its own."""
    for path, lines in logs.items():
        if path.startswith("odd"):
            lines = [line.replace('"-" "M"', '"M" "-"') for line in lines]
        land(home, f"web/{path}", "\n".join(lines) + "\n")
    land(home, "web/odd/format.yml", FORMAT)


def came_of(logs: dict[str, list[str]], later: dict[str, list[str]]) -> tuple:
    """Rows, counts, rejects and sentences of two runs over the logs."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        land_logs(home, logs)
        reports = [run(home)]
        land_logs(home, later)
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
    taken = []
    real = gathered.Gathering.take
    monkeypatch.setattr(gathered.Gathering, "take", lambda self: taken.append(real(self)) or taken[-1])
    for number in range(9):
        land(tmp_path, f"web/s{number % 3}/{number}.log", LINE.format(n=number) + "\n")
    assert run(tmp_path).rows_loaded == 9
    assert [len(files) for files in taken if files] == [9]
