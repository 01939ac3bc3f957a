"""People get new ids when they are merged; what was sent under an old id stays one record.

`key_changes` of a sync file names a relation with former_person_id and current_person_id. A row whose key the
ledger does not know as sent, but one of whose former ids was, keeps that former id as its key there.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from orchestration.activation.ledger_rows import LedgerRow
from orchestration.activation.plan import Model, ModelRow


def with_known_keys(model: Model, held: Mapping[str, LedgerRow]) -> Model:
    """The model with the keys under which the other side has its rows; the smallest of several former ids."""
    if not model.former_keys:
        return model
    taken = {row.key for row in model.rows}
    return replace(model, rows=[_known(row, model.former_keys, held, taken) for row in model.rows])


def _known(
    row: ModelRow, former_keys: Mapping[str, list[str]], held: Mapping[str, LedgerRow], taken: set[str]
) -> ModelRow:
    if row.key in held and held[row.key].is_live:
        return row
    sent = [key for key in former_keys.get(row.key, ()) if key in held and held[key].is_live]
    free = [key for key in sorted(sent) if key not in taken]
    if not free:
        return row
    taken.add(free[0])
    return replace(row, key=free[0], said_key=row.key)
