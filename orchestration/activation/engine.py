"""From a plan to the other systems: intent -> request -> checked answer -> outcome, row by row.

The law: no request without a durable intent; no resend of a message in doubt before a read by key, or, where
nothing can be read, only under the same message id; nobody's data leaves without a look at consent just
before.
"""

from __future__ import annotations

import heapq
import json
import logging
import random
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

from orchestration.activation.approval import approved_syncs, current_plan
from orchestration.activation.configuration import ActivationError, Sync, read_syncs
from orchestration.activation.destinations import (
    Answer,
    Destination,
    Message,
    NotConfigured,
    Outcome,
    destination_kinds,
)
from orchestration.activation.ledger import (
    Intent,
    Lease,
    Ledger,
    LedgerRow,
    Settlement,
    SyncStatus,
    as_epoch,
    as_text,
)
from orchestration.activation.plan import (
    Model,
    ModelRow,
    Step,
    SyncPlan,
    WarehouseError,
    field_hashes,
    key_hash,
    make_plan,
    read_models,
    read_refusals,
    refusal,
    row_hash,
)

log = logging.getLogger(__name__)

FLOOR_SECONDS = 1.0  # the shortest wait, also when Retry-After says 0
LONGEST_WAIT_SECONDS = 60.0  # of our own back-off; a Retry-After may ask for more
CONSENT_AGE_SECONDS = 15.0  # consent read longer ago than this is read again before the next row
_DEFAULTS = {"breaker": 5, "attempts_per_run": 4, "patience_seconds": 120}


class Clock(Protocol):
    """Time as the engine sees it; tests bring their own."""

    def now(self) -> float:
        """Seconds since 1970."""

    def sleep(self, seconds: float) -> None:
        """Waits."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Waits."""
        time.sleep(seconds)


@dataclass
class SyncRun:
    """How sending one sync went. Counts are rows except `requests`.

    status: done; partial (rows wait or are in doubt, apply again); held (a guard); stopped (the destination
    or the model stopped it); not_configured. `sentences` say why, for people.
    """

    sync: str
    destination: str
    destination_class: str
    guarantee: str
    status: str = "done"
    run_id: str | None = None
    digest: str = ""
    acked: int = 0
    rejected: int = 0
    unknown: int = 0
    waiting: int = 0
    withheld: int = 0
    unchanged: int = 0
    verified: int = 0
    requests: int = 0
    seconds: float = 0.0
    sentences: list[str] = field(default_factory=list)


def plan(
    warehouse: Path, ledger: Path, syncs: Path, *, only: str | None = None, as_of: str = ""
) -> list[SyncPlan]:
    """What an apply would send now, one plan a sync; remembered in the ledger under its digest.

    Raises ConfigurationError (a sync file), WarehouseError (missing, or held by a writer) or LedgerError.
    """
    definitions = read_syncs(syncs, only=only)
    models = read_models(warehouse, definitions)
    plans = []
    with Ledger.open(ledger) as opened:
        for sync in definitions:
            made = current_plan(opened, sync, models[sync.name], as_of)
            steps = {step.key: [step.op, step.row_hash] for step in made.steps}
            opened.remember_plan(sync.name, made.digest, as_of, steps, time.time())
            plans.append(made)
    return plans


def apply(
    warehouse: Path,
    ledger: Path,
    syncs: Path,
    *,
    digest: str | None = None,
    only: str | None = None,
    out_dir: Path,
    secrets: Mapping[str, str],
    on_progress: Callable[[str], None] | None = None,
    clock: Clock | None = None,
    seed: int | None = None,
) -> list[SyncRun]:
    """Sends what changed, one sync after another; each fails alone.

    Args:
        digest: of a plan (one sync's, or `combined_digest` of all); what differs from it is refused, except
        that
            what was sent since, or whose person said no since, is left out.
        out_dir: folder of the files destination. secrets: variable name -> value, such as os.environ.
        clock, seed: time and jitter, for tests.

    Raises DigestRefused, LeaseHeld (somebody else is sending), ConfigurationError, WarehouseError,
    LedgerError.
    """
    say, clock = on_progress or (lambda _: None), clock or SystemClock()
    definitions = read_syncs(syncs, only=only)
    models = read_models(warehouse, definitions)
    with ExitStack() as stack:
        opened = stack.enter_context(Ledger.open(ledger))
        leases = {}
        for sync in definitions:
            leases[sync.name] = opened.take_lease(sync.name, clock.now())
            stack.callback(opened.give_lease_back, leases[sync.name])
        if digest is not None:
            definitions = approved_syncs(opened, definitions, models, digest)
        rng = random.Random(seed)
        runs = []
        for sync in definitions:
            sending = _Sending(
                sync,
                models[sync.name],
                warehouse,
                opened,
                leases[sync.name],
                out_dir,
                secrets,
                say,
                clock,
                rng,
            )
            runs.append(sending.run())
        return runs


def status(ledger: Path) -> list[SyncStatus]:
    """What the ledger knows, one entry a sync; nothing when there is no ledger yet."""
    if not ledger.exists():
        return []
    with Ledger.open(ledger) as opened:
        return opened.statuses(time.time())


@dataclass(order=True)
class _Work:
    """A message that waits for its moment. Order: due time, then as planned."""

    due: float
    place: int
    message: Message = field(compare=False)
    row: LedgerRow = field(compare=False)
    source: ModelRow | None = field(compare=False)
    tries: int = field(default=0, compare=False)


class _Sending:
    """One run of one sync, under its lease."""

    def __init__(
        self,
        sync: Sync,
        model: Model,
        warehouse: Path,
        ledger: Ledger,
        lease: Lease,
        out_dir: Path,
        secrets: Mapping[str, str],
        say: Callable[[str], None],
        clock: Clock,
        rng: random.Random,
    ) -> None:
        self.sync, self.model, self.warehouse = sync, model, warehouse
        self.ledger, self.lease, self.clock, self.rng, self.say = ledger, lease, clock, rng, say
        self.out_dir, self.secrets = out_dir, secrets
        self.options = {name: float(sync.options.get(name, default)) for name, default in _DEFAULTS.items()}
        self.settled: list[Settlement] = []
        self.failures_in_a_row, self.slept, self.spoke_at = 0, 0.0, clock.now()
        self.judge, self.judged_at = self._first_judge(), clock.now()

    def run(self) -> SyncRun:
        """Plans again under the lease, sends, and writes how it went."""
        started = self.clock.now()
        ended = self.ledger.doubt_open_attempts(self.lease, started)
        held = self.ledger.rows(self.sync.name)
        made = make_plan(self.sync, self.model, held, last_rows=self.ledger.last_model_rows(self.sync.name))
        kind = destination_kinds()[self.sync.destination]
        self.report = SyncRun(
            self.sync.name,
            self.sync.destination,
            kind.guarantee.letter,
            str(kind.guarantee),
            digest=made.digest,
        )
        self.report.unchanged, self.report.withheld = made.unchanged, made.withheld
        self.report.run_id = self.ledger.begin_run(self.lease, self._planned_counts(made), started)
        self.say(
            f"{self.sync.name}: {kind.guarantee}. {len(made.steps)} rows to send, {made.unchanged} unchanged."
        )
        if ended:
            self.report.sentences.append(
                f"{ended} requests of a run that broke off are in doubt and come first."
            )
        try:
            self._go(made, held)
        except (ActivationError, sqlite3.Error):
            raise  # without a sound ledger or lease nobody may send
        except Exception as error:
            log.debug("%s", self.sync.name, exc_info=True)
            broke = f"{self.sync.name} broke off ({type(error).__name__}); the log at DEBUG says where."
            self._end("stopped", broke)
        self._finish(started)
        return self.report

    def _go(self, made: SyncPlan, held: dict[str, LedgerRow]) -> None:
        if made.stop is not None:
            self._end("stopped", made.stop)
            return
        if made.problems:
            self._end("held", *made.problems)
            return
        self._hold_refused(held)
        self._settle_reverted(held)
        self.report.rejected = made.rejected
        self._follow_people(held)
        if not made.steps:
            return
        try:
            destination = destination_kinds()[self.sync.destination].open(
                self.sync, self.out_dir, self.secrets
            )
        except NotConfigured as error:
            self._end("not_configured", str(error))
            return
        try:
            self._deliver(destination, self._queue(made.steps, held, destination))
        finally:
            self.ledger.record(self.lease, self._take_settled(), [], self.clock.now())
            destination.close()

    def _planned_counts(self, made: SyncPlan) -> dict[str, object]:
        return {
            "sync": self.sync.name,
            "destination": self.sync.destination,
            "guarantee": made.guarantee,
            "plan_digest": made.digest,
            "config_digest": self.sync.config_digest,
            "model_rows": len(self.model.rows),
            "planned_c": made.creates,
            "planned_u": made.updates,
            "planned_d": made.removes,
        }

    # What happens to rows before anything leaves

    def _hold_refused(self, held: dict[str, LedgerRow]) -> None:
        """Rows on their way whose person said no, or which left the model, wait as `held` with the reason."""
        reasons = {row.key: refusal(row, self.sync, self.model.denied) for row in self.model.rows}
        changed = []
        for key, before in held.items():
            reason = reasons.get(key, "left the model")
            is_on_its_way = before.state in ("planned", "unknown", "retry_wait", "rejected")
            if reason and is_on_its_way and before.op != "remove":
                changed.append(
                    replace(before, state="held", error_class=reason, error_code=None, error_text=None)
                )
        for row in self.model.rows:
            if reasons[row.key] and row.key not in held:
                changed.append(self._fresh_row(row, "held", reasons[row.key]))
        self.ledger.put_rows(self.lease, changed, self.clock.now())
        held.update({row.key: row for row in changed})

    def _settle_reverted(self, held: dict[str, LedgerRow]) -> None:
        """Rows whose change was taken back before it left: the other side already has what we want."""
        allowed = (row for row in self.model.rows if refusal(row, self.sync, self.model.denied) is None)
        changed = []
        for row in allowed:
            before = held.get(row.key)
            if before is None or before.state in ("acked", "verified"):
                continue
            is_there = before.is_live and before.remote_is_known
            if is_there and before.acked_hash == row_hash(row.values, self.sync.sent_fields):
                mended = {"error_class": None, "error_code": None, "error_text": None, "not_before": None}
                hash_there = str(before.acked_hash)
                changed.append(replace(before, state="acked", op="update", row_hash=hash_there, **mended))
        self.ledger.put_rows(self.lease, changed, self.clock.now())
        held.update({row.key: row for row in changed})

    def _fresh_row(self, row: ModelRow, state: str, reason: str | None) -> LedgerRow:
        at = as_text(self.clock.now())
        digest = self.sync.config_digest
        wanted = row_hash(row.values, self.sync.sent_fields)
        return LedgerRow(
            self.sync.name, row.key, row.person_id, "create", wanted, 1, at, digest, state, error_class=reason
        )

    def _follow_people(self, held: dict[str, LedgerRow]) -> None:
        """A merge gives a key another person_id; the ledger follows, nothing is sent for it."""
        changed = []
        for row in self.model.rows:
            before = held.get(row.key)
            if before is not None and before.person_id != row.person_id:
                before.person_id = row.person_id
                changed.append(before)
        self.ledger.put_rows(self.lease, changed, self.clock.now())

    def _queue(
        self, steps: Sequence[Step], held: dict[str, LedgerRow], destination: Destination
    ) -> list[_Work]:
        """Steps -> planned ledger rows (one commit) -> messages; what failed before goes last."""
        now, sources = self.clock.now(), {row.key: row for row in self.model.rows}
        planned = [self._planned_row(step, held.get(step.key), sources.get(step.key), now) for step in steps]
        self.ledger.put_rows(self.lease, planned, now)
        planned.sort(key=lambda row: row.attempts)
        quiet = [
            row.not_before for row in held.values() if row.error_class == "rate_limited" and row.not_before
        ]
        paused_until = max(map(as_epoch, quiet), default=0.0)
        work = []
        for place, row in enumerate(planned):
            due = max(as_epoch(row.not_before) if row.not_before else 0.0, paused_until)
            source = None if row.op == "remove" else sources[row.key]
            work.append(_Work(due, place, self._message(row, source), row, source))
        return self._adopt(work, destination) if destination.reads_by_key else work

    def _planned_row(
        self, step: Step, before: LedgerRow | None, source: ModelRow | None, now: float
    ) -> LedgerRow:
        """The ledger row of a step. A new version exactly when it is a new message."""
        digest, person_id = self.sync.config_digest, source.person_id if source else None
        if before is None:
            assert source is not None
            return self._fresh_row(source, "planned", None)
        is_same = (
            before.row_hash == step.row_hash
            and before.config_digest == digest
            and before.state in ("planned", "unknown", "retry_wait", "held")
        )
        if is_same:
            state = "planned" if before.state == "held" else before.state
            return replace(before, op=step.op, state=state, person_id=person_id or before.person_id)
        return replace(
            before,
            person_id=person_id or before.person_id,
            op=step.op,
            row_hash=step.row_hash,
            version=before.version + 1,
            version_at=as_text(now),
            config_digest=digest,
            state="planned",
            not_before=None if before.state != "retry_wait" else before.not_before,
            error_class=None,
            error_code=None,
            error_text=None,
        )

    def _message(self, row: LedgerRow, source: ModelRow | None) -> Message:
        values = source.values if source else {}
        owned = {field.name: field.ownership for field in self.sync.sent_fields if source}
        made_at = row.version_at.replace(" ", "T") + "Z"
        return Message(
            sync=row.sync,
            key=row.key,
            version=row.version,
            op="remove" if row.op == "remove" else "upsert",
            row_hash=row.row_hash,
            made_at=made_at,
            fields={name: values[name] for name, who in owned.items() if who == "overwrite"},
            fill={name: values[name] for name, who in owned.items() if who == "fill"},
        )

    def _adopt(self, work: list[_Work], destination: Destination) -> list[_Work]:
        """Reads what is in doubt by key: what the other side has is acknowledged, the rest is sent."""
        if all(item.row.remote_is_known for item in work):
            return work
        there = destination.read()
        left, adopted = [], []
        for item in work:
            found = there.get(item.message.key)
            wanted = None if item.message.op == "remove" else destination.fingerprint(item.message)
            if not item.row.remote_is_known and found == wanted:
                adopted.append(self._after(item, Answer(Outcome.ACKED)))
            else:
                left.append(item)
        self.ledger.put_rows(self.lease, adopted, self.clock.now())
        return left

    # The loop

    def _deliver(self, destination: Destination, work: list[_Work]) -> None:
        heapq.heapify(work)
        size = destination.rows_per_call or max(len(work), 1)
        total = len(work)
        while work:
            if not self._wait_for(work[0].due):
                self._end("partial", self._waiting_sentence(work[0].due))
                return
            batch = self._next_batch(work, size)
            if not batch:
                continue
            answers = self._send(destination, batch)
            if self._settle(batch, answers, work):
                return
            self._tell(total)

    def _next_batch(self, work: list[_Work], size: int) -> list[_Work]:
        """The next due messages, without those whose person said no by now."""
        batch = []
        while work and len(batch) < size and work[0].due <= self.clock.now():
            item = heapq.heappop(work)
            reason = self._reason_to_hold(item)
            if reason is None:
                batch.append(item)
                continue
            self.report.withheld += 1
            held = replace(item.row, state="held", error_class=reason, error_code=None, error_text=None)
            self.ledger.put_rows(self.lease, [held], self.clock.now())
        return batch

    def _send(self, destination: Destination, batch: list[_Work]) -> list[Answer]:
        """Commits the intents, then sends. Nothing may come between the two but the request itself."""
        intents = []
        for item in batch:
            flying = replace(
                item.row,
                state="in_flight",
                attempts=item.row.attempts + 1,
                remote_is_known=0,
                not_before=None,
            )
            intents.append(Intent(str(self.report.run_id), flying, item.message.message_id))
        self.attempt_ids = self.ledger.record(self.lease, self._take_settled(), intents, self.clock.now())
        self.report.requests += 1
        answers = destination.send([item.message for item in batch], self._whole)
        if len(answers) != len(batch):  # a destination that cannot say which row fared how has not answered
            return [Answer(Outcome.UNKNOWN, error_class="answers_missing") for _ in batch]
        return answers

    def _settle(self, batch: list[_Work], answers: list[Answer], work: list[_Work]) -> bool:
        """Notes each answer and plans what is tried again. True when the destination must be left alone."""
        pause = 0.0
        for attempt_id, item, answer in zip(self.attempt_ids, batch, answers, strict=True):
            item.tries += 1
            if answer.outcome is not Outcome.ACKED:
                pause = max(pause, self._schedule(item, answer, work))
            after = self._after(item, answer)
            self.settled.append(
                Settlement(attempt_id, after, str(answer.outcome), answer.http_status, answer.vendor_code)
            )
            item.row = after
            log.debug(
                "%s %s v%s %s",
                self.sync.name,
                key_hash(self.sync.name, after.key),
                after.version,
                after.state,
            )
        if pause:
            for item in work:
                item.due = max(item.due, pause)
            heapq.heapify(work)
        return self._breaks(answers)

    def _schedule(self, item: _Work, answer: Answer, work: list[_Work]) -> float:
        """When to try again; returns a time before which the whole destination wants quiet, or 0."""
        if answer.outcome is Outcome.REJECTED:
            return 0.0
        wait = self._back_off(item.tries, answer.retry_after)
        item.due = self.clock.now() + wait
        is_worth_it = answer.outcome in (Outcome.UNKNOWN, Outcome.UNREACHED)
        # A 429 is not the row's fault, so it uses up the run's patience and not the row's attempts.
        if answer.outcome is Outcome.RETRY or (is_worth_it and item.tries < self.options["attempts_per_run"]):
            heapq.heappush(work, item)
        return item.due if answer.outcome is Outcome.RETRY or answer.retry_after is not None else 0.0

    def _back_off(self, tries: int, retry_after: float | None) -> float:
        """Doubling waits with jitter, never under what the other side asked for nor under our own floor."""
        own = min(LONGEST_WAIT_SECONDS, FLOOR_SECONDS * 2 ** (tries - 1)) * self.rng.uniform(1.0, 1.5)
        return max(own, retry_after or 0.0)

    def _after(self, item: _Work, answer: Answer) -> LedgerRow:
        """The ledger row after an answer."""
        row = item.row
        told = {
            "error_class": answer.error_class,
            "error_code": answer.vendor_code,
            "error_text": answer.text,
            "attempts": row.attempts + 1 if item.tries else row.attempts,
            "not_before": None,
        }
        if answer.outcome is Outcome.ACKED:
            self.report.acked += 1
            hashes = json.dumps(field_hashes(self.sync, item.source)) if item.source else None
            told |= {"acked_hash": row.row_hash, "acked_version": row.version, "acked_fields": hashes}
            return replace(
                row, state="acked", remote_is_known=1, remote_id=answer.remote_id or row.remote_id, **told
            )
        if answer.outcome is Outcome.REJECTED:
            return replace(row, state="rejected", **told)
        told["not_before"] = as_text(item.due)
        if answer.outcome is Outcome.UNKNOWN:
            return replace(row, state="unknown", remote_is_known=0, **told)
        # Nothing was done, so what we knew before this attempt still holds.
        return replace(row, state="retry_wait" if row.remote_is_known else "unknown", **told)

    def _breaks(self, answers: list[Answer]) -> bool:
        """The breaker: a destination that only fails is left alone, so that the others get their turn."""
        failures = (Outcome.UNKNOWN, Outcome.UNREACHED, Outcome.REFUSED)
        has_failed = all(answer.outcome in failures for answer in answers)
        self.failures_in_a_row = self.failures_in_a_row + 1 if has_failed else 0
        last, name = answers[-1], self.sync.name
        if any(answer.stops for answer in answers):
            mend = " or ".join(sorted(self.sync.secrets.values()))
            self._end(
                "stopped", f"{name}: the receiver refuses us ({last.vendor_code}); mend {mend}, then apply."
            )
            return True
        if self.failures_in_a_row >= self.options["breaker"]:
            said = f"{self.failures_in_a_row} failures in a row, the last one {last.error_class}"
            self._end("stopped", f"{name}: {said}; its rows wait for the next apply, nothing is lost.")
            return True
        return False

    def _wait_for(self, due: float) -> bool:
        """Sleeps until a message is due; False when that would use up the run's patience."""
        wait = due - self.clock.now()
        if wait <= 0:
            return True
        self.ledger.record(self.lease, self._take_settled(), [], self.clock.now())
        if self.slept + wait > self.options["patience_seconds"]:
            return False
        self.slept += wait
        while (wait := due - self.clock.now()) > 0:
            self.clock.sleep(min(wait, 20.0))
            self.ledger.renew(self.lease, self.clock.now())
        return True

    def _reason_to_hold(self, item: _Work) -> str | None:
        """The last look at consent before a row leaves; a removal carries no data and may always go."""
        if item.source is None:
            return None
        return self._current_judge()(item.source)

    def _current_judge(self) -> Callable[[ModelRow], str | None]:
        if self.clock.now() - self.judged_at > CONSENT_AGE_SECONDS:
            # A warehouse that is being rebuilt cannot be asked; the answer of this run's start then still
            # counts.
            try:
                self.judge = read_refusals(self.warehouse, self.sync)
            except WarehouseError:
                log.info("%s: the warehouse is busy, consent as read before", self.sync.name)
            self.judged_at = self.clock.now()
        return self.judge

    def _first_judge(self) -> Callable[[ModelRow], str | None]:
        return lambda row: refusal(row, self.sync, self.model.denied)

    def _whole(self) -> list[Message]:
        """Every row that the destination should have, for destinations that write whole sets."""
        judge, name, never = self._current_judge(), self.sync.name, as_text(0.0)
        outline = LedgerRow(name, "", None, "update", "", 0, never, self.sync.config_digest, "planned")
        return [
            self._message(replace(outline, key=row.key), row) for row in self.model.rows if judge(row) is None
        ]

    # Telling

    def _take_settled(self) -> list[Settlement]:
        taken, self.settled = self.settled, []
        return taken

    def _end(self, status: str, *sentences: str) -> None:
        self.report.status = status
        self.report.sentences += [said for said in sentences if said]

    def _waiting_sentence(self, due: float) -> str:
        return (
            f"{self.sync.name}: the other side wants quiet until {as_text(due)[:19]} UTC; "
            "apply again after that, the rows wait."
        )

    def _tell(self, total: int) -> None:
        if self.clock.now() - self.spoke_at >= 2.0:
            self.spoke_at = self.clock.now()
            self.say(f"{self.sync.name}: {self.report.acked} of {total} rows acknowledged")

    def _finish(self, started: float) -> None:
        report, now = self.report, self.clock.now()
        rows = self.ledger.rows(self.sync.name).values()
        states = Counter(row.state for row in rows)
        report.rejected, report.unknown = states["rejected"], states["unknown"] + states["in_flight"]
        report.waiting = states["planned"] + states["retry_wait"]
        if report.status == "done" and (report.unknown or report.waiting):
            why = Counter(
                row.error_class for row in rows if row.state in ("unknown", "retry_wait")
            ).most_common(1)
            said = f" ({why[0][0]})" if why else ""
            left = report.unknown + report.waiting
            self._end("partial", f"{self.sync.name}: {left} rows are left{said}; apply again.")
        report.seconds = now - started
        counts = {
            name: getattr(report, name)
            for name in (
                "acked",
                "rejected",
                "unknown",
                "unchanged",
                "withheld",
                "waiting",
                "requests",
                "status",
            )
        }
        self.ledger.end_run(
            self.lease, str(report.run_id), {**counts, "sentence": " ".join(report.sentences)}, now
        )
        self.say(
            f"{report.sync}: {report.status}; {report.acked} acknowledged, {report.unchanged} unchanged, "
            f"{report.rejected} rejected, {report.unknown} in doubt, {report.waiting} waiting, "
            f"{report.withheld} withheld, {report.requests} requests"
        )
