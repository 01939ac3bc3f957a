"""Layouts of other tools that ship as settings: copied beside an export, they read it as it comes out."""

from __future__ import annotations

import csv
import io
from datetime import date
from pathlib import Path

import pytest
from landed_files import assert_accounted, land, query, run

LAYOUTS = Path(__file__).resolve().parents[1] / "ingestion"
SATORI = [
    ["メールアドレス", "苗字", "名前", "苗字(ふりがな)", "名前(ふりがな)", "会社名", "部署名", "電話番号",
     "住所", "メモ", "tags", "スター", "登録日時"],
    ["takahashi@example.co.jp", "髙橋", "花子", "たかはし", "はなこ", "㈱テスト", "経理部",
     "03-1234-5678", "東京都千代田区丸の内1-1", "展示会で名刺交換", "展示会,経理", "3", "2026/05/01"],
]  # fmt: skip


@pytest.mark.parametrize("encoding", ["cp932", "utf-8-sig"])
def test_a_customer_export_of_satori_is_read_with_both_halves_of_the_name(
    tmp_path: Path, encoding: str
) -> None:
    """SY01. 名前 is the given name there; without the layout it would be taken for the whole one."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(SATORI)
    land(tmp_path, "lists/satori/customers.csv", text.getvalue().encode(encoding))
    layout = (LAYOUTS / "layout_satori.yml").read_bytes()
    land(tmp_path, "lists/satori/columns.yml", layout)
    report = run(tmp_path, sources=["lists"])
    assert report.troubles == []
    assert query(
        tmp_path,
        "select person_name_raw, company_name, department, email, phone, prefecture, note, collected_on, "
        "list_owner from raw_lists.rows",
    ) == [
        ("髙橋 花子", "(株)テスト", "経理部", "takahashi@example.co.jp", "+81312345678", "東京都",
         "展示会で名刺交換", date(2026, 5, 1), "marketing")
    ]  # fmt: skip
    assert_accounted(tmp_path)
