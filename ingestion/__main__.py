"""`python -m ingestion LANDING WAREHOUSE`: one ingestion run by itself, with a line a source and every
trouble.
"""

import argparse
import sys
from pathlib import Path

from ingestion import SOURCES, IngestError, ingest


def main(arguments: list[str] | None = None) -> int:
    """Runs ingestion; exit code 1 when nothing could be done."""
    parser = argparse.ArgumentParser(
        prog="python -m ingestion", description="Load landed files into the raw tables."
    )
    parser.add_argument("landing", help="folder with a folder for each source, or its URL (s3://, sftp://)")
    parser.add_argument("warehouse", type=Path, help="DuckDB file, made if it is not there")
    parser.add_argument(
        "--state", type=Path, help="dlt's working folder (default: .dlt beside the warehouse)"
    )
    parser.add_argument(
        "--source", action="append", choices=SOURCES, help="only this source (may be repeated)"
    )
    parser.add_argument("--zone", default="Asia/Tokyo", help="zone of times that name none")
    parser.add_argument(
        "--retry-rejects", action="store_true", help="read files with rejected lines again, after a mend"
    )
    chosen = parser.parse_args(arguments)
    state = chosen.state or chosen.warehouse.parent / ".dlt"
    try:
        report = ingest(
            *(chosen.landing, chosen.warehouse),
            state_dir=state,
            sources=chosen.source,
            zone=chosen.zone,
            retry_rejects=chosen.retry_rejects,
            on_progress=print,
        )
    except IngestError as error:
        print(error, file=sys.stderr)
        return 1
    for trouble in report.troubles:
        print(trouble, file=sys.stderr)
    return 1 if report.troubles and not report.rows_read else 0


if __name__ == "__main__":
    sys.exit(main())
