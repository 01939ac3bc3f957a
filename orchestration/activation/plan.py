"""From a sync model to what would be sent: warehouse rows + ledger -> steps, guards and a digest.

Only mapped columns count. Each row's hash is compared with what the other side acknowledged; what nobody
changed is never sent. Consent is judged here by what the warehouse says now, and again by the engine before a
row leaves.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from orchestration.activation.configuration import ActivationError, Field, Sync
from orchestration.activation.destinations import destination_kinds, json_value
from orchestration.activation.ledger_rows import REMOVED, LedgerRow

_SAMPLE = 10
_NAMED_KEYS = 10


class WarehouseError(ActivationError):
    """The warehouse cannot be read now."""


@dataclass(frozen=True)
class ModelRow:
    """One row of a sync model: its key, whose it is, its mapped values by field name, what consent says."""

    sync: str
    key: str
    person_id: str | None
    values: dict[str, Any]
    consent_status: str | None
    is_suppressed: bool | None
    said_key: str | None = None  # the model's own key, where the other side has the row under a former one

    @cached_property
    def field_hashes(self) -> dict[str, str]:
        """Field -> short hash of its value, salted by key and name: enough to say which field changed."""
        begins, hashes = f"{self.sync}\x1f{self.key}\x1f", {}
        for name, value in self.values.items():
            said = f"{begins}{name}\x1f{_exact(value)}"
            hashes[name] = hashlib.sha256(said.encode()).hexdigest()[:12]
        return hashes


@dataclass
class Model:
    """A sync model as read. `stop`: why it must not be sent, or None. `denied`: person_ids that said no.

    `former_keys`: key -> the ids that its person had before.
    """

    rows: list[ModelRow] = field(default_factory=list)
    denied: frozenset[str] = frozenset()
    former_keys: dict[str, list[str]] = field(default_factory=dict)
    stop: str | None = None
    notes: list[str] = field(default_factory=list)


class Step(NamedTuple):
    """One change to make: key, op (create, update, remove), the hash it leads to, the fields that differ."""

    key: str
    op: str
    row_hash: str
    changed: tuple[str, ...]
    is_resend: bool


@dataclass
class SyncPlan:
    """What an apply would do now. Counts are rows; `held` are steps that a guard holds back.

    `sample` names changes by key hash and field name only. `problems` are sentences of guards, `stop` is the
    one sentence of a model that must not be sent at all (a double key); neither lets anything leave.
    """

    sync: str
    destination: str
    destination_class: str
    guarantee: str
    as_of: str
    creates: int = 0
    updates: int = 0
    removes: int = 0
    unchanged: int = 0
    held: int = 0
    withheld: int = 0
    resends: int = 0
    rejected: int = 0
    digest: str = ""
    problems: list[str] = field(default_factory=list)
    stop: str | None = None
    notes: list[str] = field(default_factory=list)
    sample: list[dict[str, Any]] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list, repr=False)

    @property
    def is_blocked(self) -> bool:
        """Would an apply send nothing although there is something to send?"""
        return self.stop is not None or bool(self.problems)

    @property
    def sends(self) -> int:
        """Rows that an apply would send."""
        return 0 if self.is_blocked else len(self.steps)


def combined_digest(plans: Sequence[SyncPlan]) -> str:
    """One digest for several plans; that of a single plan is its own."""
    if len(plans) == 1:
        return plans[0].digest
    return hashlib.sha256(
        "".join(sorted(f"{plan.sync}:{plan.digest}\n" for plan in plans)).encode()
    ).hexdigest()[:16]


def key_hash(sync: str, key: str) -> str:
    """How logs name a row: short, stable, and no personal data even where the key is an address."""
    return hashlib.sha256(f"{sync}\x1f{key}".encode()).hexdigest()[:12]


# Reading the warehouse


def read_models(warehouse: Path, syncs: Sequence[Sync]) -> dict[str, Model]:
    """Sync name -> its model, read through one short read-only connection.

    Raises WarehouseError when the file is missing or held by a writer.
    """
    with _reading(warehouse) as database:
        return {sync.name: _read_model(database, sync, sync.sent_fields) for sync in syncs}


def read_refusals(warehouse: Path, sync: Sync) -> Callable[[ModelRow], str | None]:
    """Reads once more who must not be sent; returns a judge of rows: a reason, or None when it may leave."""
    with _reading(warehouse) as database:
        now = _read_model(database, sync, ())
    by_key = {row.key: row for row in now.rows}

    def judge(row: ModelRow) -> str | None:
        if now.stop is not None:
            return "the sync model changed while sending"
        current = by_key.get(row.said_key or row.key)
        if current is None:
            return "left the model while sending"
        return refusal(current, sync, now.denied) or refusal(row, sync, now.denied)

    return judge


def _reading(warehouse: Path) -> duckdb.DuckDBPyConnection:
    if not warehouse.exists():
        raise WarehouseError(f"There is no warehouse at {warehouse}; run `ikusei run` first.")
    try:
        return duckdb.connect(str(warehouse), read_only=True)
    except duckdb.Error as error:
        raise WarehouseError(
            f"The warehouse {warehouse} cannot be read now ({str(error).splitlines()[0]}); "
            "wait for the run that holds it, then plan again."
        ) from error


def _read_model(database: duckdb.DuckDBPyConnection, sync: Sync, fields: Sequence[Field]) -> Model:
    columns = _columns(database, sync.model)
    wanted = {"sync_key", "person_id", "consent_status", "is_suppressed"}
    wanted |= {field.column for field in fields}
    if not columns:
        return Model(
            stop=f"{sync.path}: the model {sync.model} is not in the warehouse; build it, or mend 'model'."
        )
    if missing := sorted(wanted - columns):
        return Model(
            stop=f"{sync.path}: the model {sync.model} has no column {', '.join(missing)}; "
            "add it to the model or mend the mapping."
        )
    model = Model()
    _read_denied(database, sync, model)
    _read_former_keys(database, sync, model)
    read = ["cast(sync_key as varchar)", "cast(person_id as varchar)", "cast(consent_status as varchar)"]
    read += ["cast(is_suppressed as boolean)", *(f'"{field.column}"' for field in fields)]
    statement = f"select {', '.join(read)} from {sync.model} order by 1"
    for key, person_id, consent, suppressed, *values in database.execute(statement).fetchall():
        named_values = {field.name: value for field, value in zip(fields, values, strict=True)}
        model.rows.append(ModelRow(sync.name, key, person_id, named_values, consent, suppressed))
    model.stop = _key_trouble(sync, [row.key for row in model.rows])
    return model


def _columns(database: duckdb.DuckDBPyConnection, relation: str) -> set[str]:
    schema, table = relation.split(".")
    found = database.execute(
        "select column_name from information_schema.columns where table_schema = ? and table_name = ?",
        [schema, table],
    )
    return {name for (name,) in found.fetchall()}


def _read_denied(database: duckdb.DuckDBPyConnection, sync: Sync, model: Model) -> None:
    relation, channels = sync.consent.relation, list(sync.consent.channels)
    if relation is None:
        return
    if not {"person_id", "channel", "status"} <= _columns(database, relation):
        model.notes.append(f"{relation} is not in the warehouse: only the model's own suppression is obeyed.")
        return
    found = database.execute(
        f"select distinct cast(person_id as varchar) from {relation} "
        "where status = 'denied' and (len(?) = 0 or list_contains(?, channel))",
        [channels, channels],
    )
    model.denied = frozenset(person_id for (person_id,) in found.fetchall() if person_id)


def _read_former_keys(database: duckdb.DuckDBPyConnection, sync: Sync, model: Model) -> None:
    relation = sync.key_changes
    if relation is None or not {"former_person_id", "current_person_id"} <= _columns(database, relation):
        return
    found = database.execute(
        f"select distinct current_person_id, former_person_id from {relation} "
        "where current_person_id <> former_person_id order by all"
    )
    for current, former in found.fetchall():
        model.former_keys.setdefault(current, []).append(former)


def _key_trouble(sync: Sync, keys: Sequence[str | None]) -> str | None:
    """A double key lets two rows fight over one record, a null key makes a record nobody finds again."""
    seen = Counter(keys)
    nulls = seen.pop(None, 0) + seen.pop("", 0)
    doubles = sorted(key for key, count in seen.items() if count > 1)
    said = []
    if nulls:
        said.append(f"{nulls} rows without a key")
    if doubles:
        more = f" and {len(doubles) - _NAMED_KEYS} more" if len(doubles) > _NAMED_KEYS else ""
        shown = [
            key if "@" not in key else f"(hash {key_hash(sync.name, key)})" for key in doubles[:_NAMED_KEYS]
        ]
        said.append(f"the key {', '.join(shown)}{more} more than once")
    return f"{sync.model} has {' and '.join(said)}; sync_key must be unique and not null." if said else None


# Judging and comparing


def refusal(row: ModelRow, sync: Sync, denied: frozenset[str]) -> str | None:
    """Why this row must not leave, or None. Unknown suppression counts as suppression."""
    if row.is_suppressed is None or row.is_suppressed:
        return "suppressed"
    if row.consent_status == "denied" or row.person_id in denied:
        return "consent denied"
    if sync.consent.accepts == "granted" and row.consent_status != "granted":
        return "no consent"
    return None


def row_hash(values: Mapping[str, Any], fields: Sequence[Field]) -> str:
    """Hash of the mapped columns. Of a `fill` field only whether we have a value: the rest is theirs."""
    said = [
        [
            field.name,
            values[field.name] is not None if field.ownership == "fill" else _exact(values[field.name]),
        ]
        for field in fields
    ]
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:32]


def _exact(value: Any) -> Any:
    """A value as text, equal exactly when the value is: 2.50 and 2.5 are one number, '' and null are two."""
    if value is None or isinstance(value, bool | str):
        return value
    if hasattr(value, "normalize"):
        return f"{value.normalize():f}" if value else "0"
    return repr(value) if isinstance(value, float) else str(json_value(value))


def make_plan(
    sync: Sync, model: Model, held: Mapping[str, LedgerRow], *, last_rows: int | None = None, as_of: str = ""
) -> SyncPlan:
    """Compares a model with the ledger's rows. Pure: the same input gives the same digest.

    `last_rows` is the model's size when it was last sent, which the swing guard measures against.
    """
    kind = destination_kinds()[sync.destination]
    plan = SyncPlan(sync.name, sync.destination, kind.guarantee.letter, str(kind.guarantee), as_of)
    plan.notes = list(model.notes)
    plan.stop = model.stop
    if model.stop is None:
        _compare(plan, sync, model, held)
        plan.problems = _guard_problems(plan, sync, len(model.rows), held, last_rows)
        plan.held = len(plan.steps) if plan.problems else 0
    plan.sample = [
        {"key": key_hash(sync.name, step.key), "op": step.op, "fields": list(step.changed)}
        for step in plan.steps[:_SAMPLE]
    ]
    plan.digest = _digest(plan, sync)
    return plan


def _compare(plan: SyncPlan, sync: Sync, model: Model, held: Mapping[str, LedgerRow]) -> None:
    seen = set()
    for row in model.rows:
        seen.add(row.key)
        before = held.get(row.key)
        if refusal(row, sync, model.denied) is None:
            _compare_row(plan, sync, row, before)
            continue
        plan.withheld += 1
        _maybe_remove(plan, sync, row.key, before)
    for key, before in held.items():
        if key not in seen:
            _maybe_remove(plan, sync, key, before)
    counted = Counter(step.op for step in plan.steps)
    plan.creates, plan.updates, plan.removes = counted["create"], counted["update"], counted["remove"]
    plan.resends = sum(step.is_resend for step in plan.steps)


def _compare_row(plan: SyncPlan, sync: Sync, row: ModelRow, before: LedgerRow | None) -> None:
    wanted = row_hash(row.values, sync.sent_fields)
    if before is None:
        op = "update" if sync.mode == "update_only" else "create"
        plan.steps.append(Step(row.key, op, wanted, (), False))
        return
    if before.remote_is_known and before.is_live and (before.acked_hash == wanted or sync.mode == "insert"):
        plan.unchanged += 1
        return
    if _stays_rejected(before, wanted, sync):
        plan.rejected += 1
        return
    old, new = before.field_hashes, row.field_hashes
    changed = tuple(name for name in new if before.is_live and old.get(name) != new[name])
    op = "update" if before.is_live or sync.mode == "update_only" else "create"
    plan.steps.append(Step(row.key, op, wanted, changed, not before.remote_is_known))


def _maybe_remove(plan: SyncPlan, sync: Sync, key: str, before: LedgerRow | None) -> None:
    """A mirror takes back what it gave and an archive closes it; the other modes leave it where it is."""
    if sync.mode not in ("mirror", "archive") or before is None:
        return
    if not before.is_live and before.remote_is_known:
        return
    if _stays_rejected(before, REMOVED, sync):
        plan.rejected += 1
        return
    plan.steps.append(Step(key, "remove", REMOVED, (), not before.remote_is_known))


def _stays_rejected(before: LedgerRow, wanted: str, sync: Sync) -> bool:
    return (
        before.state == "rejected"
        and before.error_class != "server_error"  # a guess from many 500s: asked again in each later run
        and before.row_hash == wanted
        and before.config_digest == sync.config_digest
    )


def _guard_problems(
    plan: SyncPlan, sync: Sync, now: int, held: Mapping[str, LedgerRow], last: int | None
) -> list[str]:
    guards, said = sync.guards, []
    live = sum(row.is_live for row in held.values())
    if live and not now and guards.empty_model == "hold":
        said.append(
            f"{sync.model} is empty but {live} rows were sent before; if that is right, "
            f"write 'guards: {{empty_model: allow}}' in {sync.path.name}."
        )
    elif now and last and last >= guards.swing_from_rows:
        change = 100 * (now - last) / last
        for name, limit, over in (
            ("shrink_pct", guards.shrink_pct, -change),
            ("growth_pct", guards.growth_pct, change),
        ):
            if limit is not None and over > limit:
                said.append(
                    f"{sync.model} has {now} rows where it had {last} when it was last sent "
                    f"({change:+.0f} %); if that is right, raise 'guards: {name}' (now {limit:g}) "
                    f"in {sync.path.name}."
                )
    if guards.most_creates is not None and plan.creates > guards.most_creates:
        said.append(
            f"{plan.creates} rows would be created, more than {guards.most_creates:g}; "
            f"if that is right, raise 'guards: most_creates' in {sync.path.name}."
        )
    return said


def _digest(plan: SyncPlan, sync: Sync) -> str:
    said = [sync.name, sync.config_digest, plan.stop, plan.problems]
    said.append(sorted([step.key, step.op, step.row_hash] for step in plan.steps))
    return hashlib.sha256(json.dumps(said, ensure_ascii=False).encode()).hexdigest()[:16]
