"""One run of one sync: plan again under the lease, intents, requests, checked answers, outcomes, verify pass.

The law: no request without a durable intent; no resend of a message in doubt before a read by key, or, where
nothing can be read, only under the same message id; nobody's data leaves without a look at consent just
before.
"""

from __future__ import annotations

import heapq
import logging
import random
import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from orchestration.activation import preparation
from orchestration.activation.clock import Clock
from orchestration.activation.comparison import compare_remote, shortfall
from orchestration.activation.configuration import ActivationError, Sync
from orchestration.activation.destinations import (
    Answer,
    Destination,
    NotConfigured,
    Outcome,
    Unfit,
    destination_kinds,
)
from orchestration.activation.lease import Lease
from orchestration.activation.ledger import Ledger
from orchestration.activation.ledger_rows import Intent, LedgerRow, Settlement, as_text
from orchestration.activation.outcomes import row_after
from orchestration.activation.pacing import Pacing, day_began_at
from orchestration.activation.plan import (
    Model,
    ModelRow,
    SyncPlan,
    WarehouseError,
    key_hash,
    make_plan,
    read_refusals,
    refusal,
)
from orchestration.activation.preparation import Work
from orchestration.activation.report import SyncRun, planned_counts

log = logging.getLogger(__name__)

CONSENT_AGE_SECONDS = 15.0  # consent read longer ago than this is read again before the next row
_FAILURES = (Outcome.UNKNOWN, Outcome.UNREACHED, Outcome.REFUSED)


@dataclass(frozen=True)
class Surroundings:
    """What a run needs from outside: files, secrets, time, chance, and somebody to tell."""

    warehouse: Path
    out_dir: Path
    secrets: Mapping[str, str]
    say: Callable[[str], None]
    clock: Clock
    rng: random.Random


class Sending:
    """One run of one sync, under its lease."""

    def __init__(self, sync: Sync, model: Model, ledger: Ledger, lease: Lease, around: Surroundings) -> None:
        self.sync, self.model, self.ledger, self.lease, self.around = sync, model, ledger, lease, around
        self.clock, self.kind = around.clock, destination_kinds()[sync.destination]
        guarantee = self.kind.guarantee
        self.report = SyncRun(sync.name, sync.destination, guarantee.letter, str(guarantee))
        self.settled: list[Settlement] = []
        self.halves: list[list[Work]] = []
        self.spoke_at = self.judged_at = self.clock.now()
        self.judge: Callable[[ModelRow], str | None] = lambda row: refusal(row, sync, model.denied)

    def run(self) -> SyncRun:
        """Plans again under the lease, sends, and writes how it went."""
        started, name = self.clock.now(), self.sync.name
        ended = self.ledger.doubt_open_attempts(self.lease, started)
        held = self.ledger.rows(name)
        today = self.ledger.calls_since(name, day_began_at(started))
        self.pacing = Pacing.of(self.sync.options, self.around.rng, today)
        made = make_plan(self.sync, self.model, held, last_rows=self.ledger.last_model_rows(name))
        self.report.digest, self.report.unchanged = made.digest, made.unchanged
        self.report.withheld = made.withheld
        planned = planned_counts(self.sync, made, len(self.model.rows))
        self.report.run_id = self.ledger.begin_run(self.lease, planned, started)
        self.around.say(
            f"{name}: {self.kind.guarantee}. {len(made.steps)} rows to send, {made.unchanged} unchanged."
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
            log.debug("%s", name, exc_info=True)
            broke = f"{name} broke off ({type(error).__name__}); the log at DEBUG says where."
            self.report.end("stopped", broke)
        self._finish(started)
        return self.report

    def _go(self, made: SyncPlan, held: dict[str, LedgerRow]) -> None:
        if made.stop is not None:
            self.report.end("stopped", made.stop)
            return
        if made.problems:
            self.report.end("held", *made.problems)
            return
        now = self.clock.now()
        self._put(held, preparation.held_back(self.sync, self.model, held, now))
        self._put(held, preparation.settled_by_reversion(self.sync, self.model, held))
        self._put(held, preparation.followed_people(self.model, held))
        self.report.rejected = made.rejected
        if not made.steps:
            return
        try:
            destination = self.kind.open(self.sync, self.around.out_dir, self.around.secrets)
        except NotConfigured as error:
            self.report.end("not_configured", str(error))
            return
        try:
            destination.check(self.sync)
            self._deliver(destination, self._queue(made, held, destination))
            self._commit()
            self._verify(destination)
        except Unfit as error:
            self.report.end("stopped", str(error))
        finally:
            self._commit()
            destination.close()

    def _put(self, held: dict[str, LedgerRow], changed: Sequence[LedgerRow]) -> None:
        self.ledger.put_rows(self.lease, changed, self.clock.now())
        held.update({row.key: row for row in changed})

    def _queue(self, made: SyncPlan, held: dict[str, LedgerRow], destination: Destination) -> list[Work]:
        """Steps -> planned ledger rows (one commit) -> messages, without those found settled by a look."""
        now, sources = self.clock.now(), {row.key: row for row in self.model.rows}
        planned = [
            preparation.planned_row(self.sync, step, held.get(step.key), sources.get(step.key), now)
            for step in made.steps
        ]
        self.ledger.put_rows(self.lease, planned, now)
        doubtful = self.ledger.doubtful_versions(self.sync.name)
        work = preparation.queue(self.sync, planned, sources, held, doubtful)
        is_settled_here = destination.reads_by_key and not destination.looks_before_writing
        return self._adopt(work, destination) if is_settled_here else work

    def _adopt(self, work: list[Work], destination: Destination) -> list[Work]:
        """Reads what is in doubt by key: what the other side has is acknowledged, the rest is sent."""
        in_doubt = [item.message.key for item in work if not item.row.remote_is_known]
        if not in_doubt:
            return work
        there = destination.read(in_doubt)
        left, adopted = [], []
        for item in work:
            wanted = None if item.message.op == "remove" else destination.fingerprint(item.message)
            is_there = there.get(item.message.key) == wanted and not item.message.must_write
            if not item.row.remote_is_known and is_there:
                adopted.append(self._after(item, Answer(Outcome.ACKED)))
            else:
                left.append(item)
        self.ledger.put_rows(self.lease, adopted, self.clock.now())
        return left

    # The loop

    def _deliver(self, destination: Destination, work: list[Work]) -> None:
        heapq.heapify(work)
        size = destination.rows_per_call or max(len(work), 1)
        total = len(work)
        while work or self.halves:
            if self.pacing.quota_is_used_up:
                self.report.end("partial", self._quota_sentence())
                return
            due = max(self.pacing.free_at(), 0.0 if self.halves else work[0].due)
            if not self._wait_for(due):
                self.report.end("partial", self._waiting_sentence(due))
                return
            batch = self._allowed(self.halves.pop() if self.halves else self._due_now(work, size))
            if batch and self._settle(batch, self._send(destination, batch), work):
                return
            self._tell(total)

    def _due_now(self, work: list[Work], size: int) -> list[Work]:
        """The next due messages, at most `size`."""
        batch = []
        while work and len(batch) < size and work[0].due <= self.clock.now():
            batch.append(heapq.heappop(work))
        return batch

    def _allowed(self, batch: list[Work]) -> list[Work]:
        """Without those whose person said no by now; a removal carries no data and may always go."""
        judge, allowed, held = self._current_judge(), [], []
        for item in batch:
            reason = judge(item.source) if item.source is not None else None
            if reason is None:
                allowed.append(item)
            else:
                held.append(
                    replace(item.row, state="held", error_class=reason, error_code=None, error_text=None)
                )
        self.report.withheld += len(held)
        self.ledger.put_rows(self.lease, held, self.clock.now())
        return allowed

    def _send(self, destination: Destination, batch: list[Work]) -> list[Answer]:
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
        before = destination.requests
        answers = destination.send([item.message for item in batch], self._whole)
        made = max(1, destination.requests - before)  # who does not count makes one a call
        self.report.requests += made
        self.pacing.spend(made, self.clock.now())
        if len(answers) != len(batch):  # a destination that cannot say which row fared how has not answered
            return [Answer(Outcome.UNKNOWN, error_class="answers_missing") for _ in batch]
        return answers

    def _settle(self, batch: list[Work], answers: list[Answer], work: list[Work]) -> bool:
        """Notes each answer and plans what is tried again. True when the destination must be left alone."""
        pause, apart = 0.0, []
        for attempt_id, item, answer in zip(self.attempt_ids, batch, answers, strict=True):
            item.tries += 1
            answer = self._judged(answer, item, batch)
            if answer.outcome is Outcome.SPLIT:
                apart.append(item)
                item.due = self.clock.now()
            elif answer.outcome is not Outcome.ACKED:
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
        if apart:
            middle = (len(apart) + 1) // 2
            self.halves += [half for half in (apart[middle:], apart[:middle]) if half]
        if pause:
            for item in work:
                item.due = max(item.due, pause)
            heapq.heapify(work)
        return self._breaks(answers, bool(apart))

    def _judged(self, answer: Answer, item: Work, batch: list[Work]) -> Answer:
        """A 500 again and again for the same row alone is its fault, though it is dressed as the server's."""
        is_500 = answer.outcome is Outcome.UNKNOWN and answer.http_status == 500
        if is_500 and len(batch) > 1 and item.tries >= 2:
            return replace(answer, outcome=Outcome.SPLIT)
        item.server_errors = item.server_errors + 1 if is_500 and len(batch) == 1 else 0
        if item.server_errors >= self.pacing.attempts_per_run and self.report.acked:  # others pass
            return replace(answer, outcome=Outcome.REJECTED)
        if answer.outcome is Outcome.SPLIT and len(batch) == 1:
            return replace(answer, outcome=Outcome.REJECTED)
        return answer

    def _schedule(self, item: Work, answer: Answer, work: list[Work]) -> float:
        """When to try again; returns a time before which the whole destination wants quiet, or 0."""
        if answer.outcome in (Outcome.REJECTED, Outcome.ABSENT):
            return 0.0
        wait = self.pacing.back_off(item.tries, answer.retry_after)
        item.due = self.clock.now() + wait
        is_worth_it = answer.outcome in (Outcome.UNKNOWN, Outcome.UNREACHED)
        # A 429 is not the row's fault, so it uses up the run's patience and not the row's attempts.
        may_try = is_worth_it and item.tries < self.pacing.attempts_per_run
        if answer.outcome is Outcome.RETRY or may_try:
            heapq.heappush(work, item)
        return item.due if answer.outcome is Outcome.RETRY or answer.retry_after is not None else 0.0

    def _after(self, item: Work, answer: Answer) -> LedgerRow:
        self.report.acked += answer.outcome is Outcome.ACKED
        return row_after(self.sync, item, answer)

    def _breaks(self, answers: list[Answer], is_split: bool) -> bool:
        """The breaker: a destination that only fails is left alone, so that the others get their turn."""
        last, name = answers[-1], self.sync.name
        has_failed = not is_split and all(answer.outcome in _FAILURES for answer in answers)
        is_enough = self.pacing.count(has_failed)
        if any(answer.stops for answer in answers):
            mend = " or ".join(sorted(self.sync.secrets.values()))
            self.report.end(
                "stopped", f"{name}: the receiver refuses us ({last.vendor_code}); mend {mend}, then apply."
            )
            return True
        if is_enough:
            said = f"{self.pacing.failures_in_a_row} failures in a row, the last one {last.error_class}"
            self.report.end("stopped", f"{name}: {said}; its rows wait for the next apply, nothing is lost.")
            return True
        return False

    def _wait_for(self, due: float) -> bool:
        """Sleeps until a message is due; False when that would use up the run's patience."""
        wait = due - self.clock.now()
        if wait <= 0:
            return True
        self._commit()
        if not self.pacing.may_wait(wait):
            return False
        while (wait := due - self.clock.now()) > 0:
            self.clock.sleep(min(wait, 20.0))
            self.ledger.renew(self.lease, self.clock.now())
        return True

    def _current_judge(self) -> Callable[[ModelRow], str | None]:
        if self.clock.now() - self.judged_at > CONSENT_AGE_SECONDS:
            # A warehouse that is being rebuilt cannot be asked; what was read before then still counts.
            try:
                self.judge = read_refusals(self.around.warehouse, self.sync)
            except WarehouseError:
                log.info("%s: the warehouse is busy, consent as read before", self.sync.name)
            self.judged_at = self.clock.now()
        return self.judge

    def _whole(self) -> list:
        judge = self._current_judge()
        return preparation.whole_set(
            self.sync, self.model, {row.key: judge(row) is None for row in self.model.rows}
        )

    # Looking back

    def _verify(self, destination: Destination) -> None:
        """Reads back what this run wrote; what differs is planned anew, and the next apply sends it."""
        if not destination.reads_by_key or not self.report.acked:
            return
        rows = {key: row for key, row in self.ledger.rows(self.sync.name).items() if row.state == "acked"}
        found = compare_remote(self.sync, self.model, rows, destination, self.clock.now())
        self.ledger.put_rows(self.lease, found.changed, self.clock.now())
        self.report.verified = found.verified
        if said := shortfall(found):
            self.report.sentences.append(f"{self.sync.name}: {said}")

    # Telling

    def _take_settled(self) -> list[Settlement]:
        taken, self.settled = self.settled, []
        return taken

    def _commit(self) -> None:
        self.ledger.record(self.lease, self._take_settled(), [], self.clock.now())

    def _waiting_sentence(self, due: float) -> str:
        return (
            f"{self.sync.name}: the other side wants quiet until {as_text(due)[:19]} UTC; "
            "apply again after that, the rows wait."
        )

    def _quota_sentence(self) -> str:
        return (
            f"{self.sync.name}: {self.pacing.sent_today} calls were made today, as many as requests_per_day "
            "allows; apply again after midnight UTC, the rows wait."
        )

    def _tell(self, total: int) -> None:
        if self.clock.now() - self.spoke_at >= 2.0:
            self.spoke_at = self.clock.now()
            self.around.say(f"{self.sync.name}: {self.report.acked} of {total} rows acknowledged")

    def _finish(self, started: float) -> None:
        report, now = self.report, self.clock.now()
        found, states = self.ledger.states(self.sync.name), Counter[str]()
        for (state, _), count in found.items():
            states[state] += count
        report.rejected, report.unknown = states["rejected"], states["unknown"] + states["in_flight"]
        report.waiting = states["planned"] + states["retry_wait"]
        if report.status == "done" and (report.unknown or report.waiting):
            why = {word: n for (state, word), n in found.items() if state in ("unknown", "retry_wait")}
            said = f" ({max(why, key=lambda word: why[word])})" if why else ""
            left = report.unknown + report.waiting
            report.end("partial", f"{self.sync.name}: {left} rows are left{said}; apply again.")
        report.seconds = now - started
        self.ledger.end_run(self.lease, str(report.run_id), report.counts(), now)
        self.around.say(report.line())
