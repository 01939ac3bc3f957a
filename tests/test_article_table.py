"""K03 to K09: the table of 2004 and 2010 comes out of rows, exactly.

The table is Nexal's: 5,000 visitors, 0.2 %, 10 leads, 20 %, 2 opportunities, 2.5 months; six years later
50,000, 0.8 %, 400, 10 %, 40, 6 months.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from article_rows import TOKYO, Month, built

OF_2004 = Month(datetime(2004, 6, 1, tzinfo=TOKYO), 5_000, 10, 2, (2.0, 3.0))
OF_2010 = Month(datetime(2010, 6, 1, tzinfo=TOKYO), 50_000, 400, 40, (5.0, 7.0))
Kpis = dict[str, Any]


@pytest.fixture(scope="module")
def kpis(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Kpis]:
    """The row of rpt_kpis_monthly of each of the two months, by year."""
    warehouse: Path = built(tmp_path_factory.mktemp("article"), [OF_2004, OF_2010], as_of="2011-12-31")
    with duckdb.connect(str(warehouse), read_only=True) as con:
        found = con.sql(
            "select * from reporting.rpt_kpis_monthly where month in ('2004-06-01', '2010-06-01')"
        )
        return {row[0].year: dict(zip(found.columns, row, strict=True)) for row in found.fetchall()}


@pytest.mark.parametrize(
    ("year", "visitors", "action_rate", "leads", "opportunity_rate", "opportunities", "months"),
    [(2004, 5_000, 0.002, 10, 0.2, 2, 2.5), (2010, 50_000, 0.008, 400, 0.1, 40, 6.0)],
)
def test_each_column_of_the_table_comes_out_exactly(
    kpis: dict[int, Kpis],
    year: int,
    visitors: int,
    action_rate: float,
    leads: int,
    opportunity_rate: float,
    opportunities: int,
    months: float,
) -> None:
    month = kpis[year]
    assert month["visitors"] == visitors
    assert month["form_passes"] == month["leads_person"] == month["leads_new"] == leads
    assert (
        month["action_rate_literal"] == month["action_rate_person"] == month["action_rate_new"] == action_rate
    )
    assert month["opportunities"] == opportunities
    assert month["opp_rate_period"] == opportunity_rate
    assert month["mean_months_to_opp"] == month["mean_months_to_opp_period"] == months


def test_visitors_grew_tenfold_leads_fortyfold_opportunities_twentyfold(kpis: dict[int, Kpis]) -> None:
    growth = [kpis[2010][kpi] / kpis[2004][kpi] for kpi in ("visitors", "leads_new", "opportunities")]
    assert growth == [10, 40, 20]


def test_the_deals_of_a_month_and_of_its_leads_are_kept_apart(kpis: dict[int, Kpis]) -> None:
    """K10: the period rate of 2010 is 10 %, yet none of that month's leads had a deal within three months."""
    assert kpis[2010]["is_mature"] and kpis[2010]["opp_rate_cohort_3m"] == 0
    assert kpis[2004]["opp_rate_cohort_3m"] == 0.2
