"""What an answer makes of a ledger row."""

from __future__ import annotations

import json
from dataclasses import replace

from orchestration.activation.configuration import Sync
from orchestration.activation.destinations import Answer, Outcome
from orchestration.activation.ledger_rows import LedgerRow, as_text
from orchestration.activation.preparation import Work


def row_after(sync: Sync, item: Work, answer: Answer) -> LedgerRow:
    """The ledger row after an answer; `item.row` is the row as it was before this attempt."""
    row = item.row
    told = {
        "error_class": answer.error_class,
        "error_code": answer.vendor_code,
        "error_text": answer.text,
        "attempts": row.attempts + 1 if item.tries else row.attempts,
        "not_before": None,
    }
    if answer.outcome is Outcome.ACKED:
        hashes = json.dumps(item.source.field_hashes) if item.source else None
        told |= {"acked_hash": row.row_hash, "acked_version": row.version, "acked_fields": hashes}
        return replace(
            row, state="acked", remote_is_known=1, remote_id=answer.remote_id or row.remote_id, **told
        )
    if answer.outcome is Outcome.ABSENT:
        return replace(row, state="held", remote_is_known=1, **told)
    if answer.outcome is Outcome.REJECTED:
        return replace(row, state="rejected", **told)
    told["not_before"] = as_text(item.due)
    is_doubtful = answer.outcome is Outcome.SPLIT and (answer.http_status or 0) >= 500
    if answer.outcome is Outcome.UNKNOWN or is_doubtful:
        return replace(row, state="unknown", remote_is_known=0, **told)
    # Nothing was done, so what we knew before this attempt still holds.
    return replace(row, state="retry_wait" if row.remote_is_known else "unknown", **told)
