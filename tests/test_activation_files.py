"""The file that units without a sales system work from: whole, harmless to open, the same after a crash."""

from __future__ import annotations

import csv
import io
import os
import time
from pathlib import Path

import pytest
from activation_warehouse import Company, FastClock, lead

from orchestration.activation import plan, verify

FILES = "files_routed_leads"


@pytest.fixture
def company(tmp_path: Path) -> Company:
    made = Company(tmp_path, clock=FastClock(time.time()))
    made.use_syncs()
    return made


def cells(company: Company) -> list[dict[str, str]]:
    text = company.csv.read_bytes().decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def look(company: Company):
    return verify(
        company.warehouse, company.ledger, company.syncs, only=FILES, out_dir=company.out_dir, secrets={}
    )[0]


def test_the_file_is_the_whole_set_sorted_and_readable_by_excel(company: Company) -> None:
    company.have([lead("b"), lead("a", display_name="髙橋\r\n花子", phone=None)])
    run = company.apply(FILES)[FILES]
    assert (run.status, run.acked, run.requests, run.destination_class) == ("done", 2, 1, "A")
    assert company.csv.read_bytes().startswith(b"\xef\xbb\xbfkey,person_id,")
    rows = cells(company)
    assert [row["key"] for row in rows] == ["a", "b"]
    assert (
        rows[0]["display_name"] == "髙橋\r\n花子"
        and rows[0]["phone"] == ""
        and rows[0]["total_score"] == "12.5"
    )
    assert rows[0]["routed_at"] == "2026-05-01T01:02:03Z"


def test_second_apply_leaves_the_file_untouched(company: Company) -> None:
    company.have([lead("a"), lead("b")])
    company.apply(FILES)
    before = (company.csv.stat().st_ino, company.csv.stat().st_mtime_ns)
    run = company.apply(FILES)[FILES]
    assert (run.requests, run.unchanged) == (0, 2)
    assert (company.csv.stat().st_ino, company.csv.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    "text", ["=1+1", "+81312345678", "-2+3", "@SUM(A1)", "  =1", "\t=1", "＝1+1", '=HYPERLINK("http://x")']
)
def test_a_cell_that_a_spreadsheet_would_run_is_made_text(company: Company, text: str) -> None:
    company.have([lead("a", company_name=text, total_score="-3")])
    company.apply(FILES)
    assert cells(company)[0]["company_name"] == "'" + text
    assert cells(company)[0]["total_score"] == "-3", "a number is a number"
    assert look(company).verified == 1


def test_who_leaves_the_model_or_says_no_leaves_the_file(company: Company) -> None:
    company.have([lead("a"), lead("b"), lead("c")])
    company.apply(FILES)
    company.have([lead("a"), lead("b")], denied=["p-b"])
    made = plan(company.warehouse, company.ledger, company.syncs, only=FILES, as_of="")[0]
    assert (made.removes, made.withheld, made.unchanged) == (2, 1, 1)
    assert company.apply(FILES)[FILES].status == "done"
    assert [row["key"] for row in cells(company)] == ["a"]
    assert company.apply(FILES)[FILES].requests == 0


def test_verify_finds_what_people_did_to_the_file_and_the_next_apply_mends_it(company: Company) -> None:
    company.have([lead("a"), lead("b"), lead("c")])
    company.apply(FILES)
    good = company.csv.read_bytes()
    assert (look(company).verified, look(company).sentences) == (
        3,
        ["3 rows verified, 0 missing, 0 different, 0 unexpected."],
    )
    lines = good.decode("utf-8-sig").splitlines(keepends=True)
    edited = [lines[0], lines[1].replace("B2", "A1"), lines[2], lines[3].replace("c,", "z,", 1)]
    company.csv.write_bytes("".join(edited).encode("utf-8-sig"))
    check = look(company)
    assert (check.verified, check.missing, check.different, check.unexpected) == (1, 1, 1, 1)
    assert company.apply(FILES)[FILES].status == "done"
    assert company.csv.read_bytes() == good
    company.csv.unlink()
    assert look(company).missing == 3
    company.apply(FILES)
    assert company.csv.read_bytes() == good


def test_a_folder_that_cannot_be_written_keeps_the_rows_for_later(company: Company) -> None:
    company.have([lead("a")])
    company.out_dir.write_text("a file where the folder should be")
    run = company.apply(FILES)[FILES]
    assert (run.status, run.waiting, run.unknown) == ("partial", 1, 0) and "not_writable" in run.sentences[-1]
    company.out_dir.unlink()
    company.clock.time += 100
    assert company.apply(FILES)[FILES].status == "done"


def test_an_old_half_written_file_beside_is_no_trouble(company: Company) -> None:
    company.have([lead("a")])
    company.csv.parent.mkdir(parents=True)
    beside = company.csv.with_name(f".{company.csv.name}.partial")
    beside.write_bytes(os.urandom(99))
    company.apply(FILES)
    assert len(cells(company)) == 1 and not beside.exists()
