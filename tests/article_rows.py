"""The article's table as files: months of visitors, form passes and deals, as a company's systems write them.

`write_landing` makes an access log with cookies, form submissions, and leads and opportunities of a CRM;
`built` takes them through ingestion and dbt into a warehouse. Who sends a form is one of the visitors.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import cycle, islice
from pathlib import Path
from zoneinfo import ZoneInfo

from ingestion import ingest
from orchestration import transform
from orchestration.home import ALL_KNOWN

TOKYO = ZoneInfo("Asia/Tokyo")
MONTH = timedelta(days=30.4375)
BROWSER = "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:128.0) Gecko/20100101 Firefox/128.0"
DOCUMENT = {"form_id": "download-guide", "form_kind": "download", "product_id": "crm"}


@dataclass(frozen=True)
class Month:
    """A column of the table. `lags` are the months from lead to opportunity, taken in turn."""

    opens: datetime
    visitors: int
    leads: int
    opportunities: int
    lags: tuple[float, ...]

    def moments(self, count: int) -> Iterator[datetime]:
        """So many whole seconds, evenly spread over the first 28 days."""
        step = timedelta(days=28) / max(count, 1)
        return ((self.opens + n * step).replace(microsecond=0) for n in range(count))


@dataclass(frozen=True)
class Lead:
    """A person who passes a form at `lead_at`, and whose deal, if any, is opened at `deal_at`."""

    number: int
    visitor: str
    lead_at: datetime
    deal_at: datetime | None

    @property
    def email(self) -> str:
        return f"lead{self.number}@kaisha{self.number}.example"


def leads_of(months: Sequence[Month]) -> list[Lead]:
    """The leads of each month, some with a later deal, and the older leads who fill the month's deals."""
    found: list[Lead] = []
    for month in months:
        year = month.opens.year
        lags = [lag * MONTH for lag in islice(cycle(month.lags), month.opportunities)]
        for n, at in enumerate(month.moments(month.leads)):
            deal_at = at + lags[n] if n < len(lags) else None
            found.append(Lead(len(found), f"c{year}-{n}", at, deal_at))
        for n, at in enumerate(month.moments(month.opportunities)):
            found.append(Lead(len(found), f"before{year}-{n}", at - lags[n], at))
    return found


def write_landing(landing: Path, months: Sequence[Month]) -> None:
    """Write the files of these months below `landing`."""
    leads = leads_of(months)
    for month in months:
        _write(landing / f"web/www/access-{month.opens:%Y-%m}.log", _requests(month))
    _write(landing / "forms/site/submissions.jsonl", (json.dumps(_submission(lead)) for lead in leads))
    _write_csv(landing / "crm/sales/leads.csv", [_crm_lead(lead) for lead in leads])
    _write_csv(landing / "crm/sales/opportunities.csv", [_deal(lead) for lead in leads if lead.deal_at])


def built(folder: Path, months: Sequence[Month], as_of: str) -> Path:
    """The warehouse below `folder` with the KPIs of these months and of what else landed there.

    Only what the KPIs need is built; dbt's own tests of these models run wherever the whole project does.
    """
    warehouse = folder / "warehouse.duckdb"
    write_landing(folder / "landing", months)
    report = ingest(folder / "landing", warehouse, state_dir=folder / "dlt")
    assert report.troubles == [] and report.rows_rejected == 0
    transform.build(
        warehouse,
        folder.parent / "dbt_target",
        as_of=as_of,
        known_at=ALL_KNOWN,
        zone="Asia/Tokyo",
        full_refresh=True,
        select=["+rpt_kpis_monthly", "time_spine"],
        with_tests=False,
    )
    return warehouse


def _requests(month: Month) -> Iterator[str]:
    for n, at in enumerate(month.moments(month.visitors)):
        address = f"10.{n >> 16 & 255}.{n >> 8 & 255}.{n & 255}"
        asked = f'[{at:%d/%b/%Y:%H:%M:%S %z}] "GET /price/ HTTP/1.1" 200 5120'
        yield f'{address} - - {asked} "-" "{BROWSER}" "c{month.opens.year}-{n}"'


def _submission(lead: Lead) -> dict[str, object]:
    return DOCUMENT | {
        "submission_id": f"s{lead.number}",
        "submitted_at": lead.lead_at.isoformat(),
        "visitor_id": lead.visitor,
        "email": lead.email,
        "consent": True,
    }


def _crm_lead(lead: Lead) -> dict[str, str]:
    at = lead.lead_at.isoformat()
    return {
        "lead_id": f"L{lead.number}",
        "email": lead.email,
        "status": "open",
        "created_at": at,
        "updated_at": at,
    }


def _deal(lead: Lead) -> dict[str, str]:
    at = lead.deal_at.isoformat() if lead.deal_at else ""
    return {
        "opportunity_id": f"O{lead.number}",
        "lead_id": f"L{lead.number}",
        "product_id": "crm",
        "amount_jpy": "1000000",
        "stage": "qualified",
        "created_at": at,
        "updated_at": at,
    }


def _write(path: Path, lines: Iterator[str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines))


def _write_csv(path: Path, rows: list[dict[str, str]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
