"""Ingestion: files that landed -> raw tables of the warehouse, each row once, nothing lost.

    landing/<source>/<stream>/file -> `landing.ingest` -> raw_<source>.<table>, raw_intake.files,
    raw_intake.rejects

One module a source (`web`, `forms`, `email`, `lists`, `crm`, `costs`) says what its lines mean; the others
serve all. Run alone: `python -m ingestion LANDING WAREHOUSE`. Knows nothing of Dagster or of the stages
after it.
"""

from ingestion.landing import SOURCES, ingest
from ingestion.ledger import FileReport, IngestReport
from ingestion.status import SourceStatus, outdated, status
from ingestion.tables import RAW_TABLES
from ingestion.warehouse import IngestError, WarehouseLocked

__all__ = [
    "RAW_TABLES",
    "SOURCES",
    "FileReport",
    "IngestError",
    "IngestReport",
    "SourceStatus",
    "WarehouseLocked",
    "ingest",
    "outdated",
    "status",
]
