"""Large files whose rows are all good, plain and new: two batches at a time, each as a dump (`dumps`).

    lines -> batch | batch -> each on a connection and in a thread of its own: parsed, keyed, inserted
        -> committed in the file's order, once its keys are none of the table's nor of a batch beside it

DuckDB's own threads wait for one another at the end of each step of a batch, and the one that waits spins:
a batch of one row group is too small for both. Here each thread does all steps of a batch by itself. The
first batch with anything odd in it, and all after it, are left to be read one by one, so that the rows are
the same whichever way was taken.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import chain
from threading import Condition, Lock

import duckdb
import numpy as np
import pyarrow as pa

from ingestion import dumps, email, fields, files, lines, objects
from ingestion.files import Reading, Snapshot
from ingestion.warehouse import Loader

AT_ONCE = 2
"""Batches at a time: each takes some 150 MiB, whatever the file."""

_VARIABLES = ("source", "stream", "path", "loaded_at", "zone")

Make = Callable[[duckdb.DuckDBPyConnection, pa.Table], str]
"""Makes a batch of lines known to a connection and gives SQL of its parsed rows, as `dumps` takes them."""


def take_events(
    con: duckdb.DuckDBPyConnection, loader: Loader, looked: Snapshot, reading: Reading, is_still: bool
) -> tuple[int, Iterator[pa.Table] | None]:
    """Takes a large file of mail events, one a line, as far as it is plain.

    Gives the rows that are in the table now, and the lines that are left; None if the file is not such a one.
    """
    if looked.size <= files.BLOCK or not objects.are_lines(looked):
        return 0, None

    def make(own: duckdb.DuckDBPyConnection, taken: pa.Table) -> str:
        objects.make_batch(own, taken, is_kept=False)
        own.execute("create or replace temp view unread as select * from batch")
        return email.parse("events", own, looked.found)

    found = lines.batches(looked, reading, objects.is_value, is_still, is_ahead=False)
    return take(con, loader, "events", found, make)


def take(
    con: duckdb.DuckDBPyConnection, loader: Loader, name: str, found: Iterator[pa.Table], make: Make
) -> tuple[int, Iterator[pa.Table]]:
    """Takes batches of lines into `raw_<source>.<name>` as long as all of their rows are good, plain and new.

    Gives the rows that are in the table now, and the batches that are left. Raises what reading the lines or
    DuckDB raises; batches committed by then stay, as after a kill.
    """
    file = _File(loader, name, found, make)
    [(threads,)] = con.execute("select current_setting('threads')").fetchall()
    con.execute(f"set threads = {max(1, threads // AT_ONCE)}")
    try:
        with ExitStack() as open_, ThreadPoolExecutor(AT_ONCE) as pool:
            beside = [open_.enter_context(_beside(con, name)) for _ in range(AT_ONCE)]
            for worker in [pool.submit(file.work, own) for own in beside]:
                worker.result()
    finally:
        con.execute(f"set threads = {threads}")
    return file.rows, chain((file.left[number] for number in sorted(file.left)), found)


def _beside(con: duckdb.DuckDBPyConnection, name: str) -> duckdb.DuckDBPyConnection:
    """A connection to the same warehouse that knows what `con` knows: variables, words, keys that wait."""
    own = con.cursor()
    own.execute("set TimeZone = 'UTC'")
    own.execute("set enable_progress_bar = false")
    for variable in _VARIABLES:
        [(value,)] = con.execute(f"select getvariable('{variable}')").fetchall()
        own.execute(f"set variable {variable} = ?", [value])
        if variable == "zone":
            fields.define(own, value)
    waiting = con.execute(f"select row_key from waiting_keys_{name}").to_arrow_table()
    own.register(f"waiting_keys_{name}", waiting)
    return own


@dataclass
class _File:
    """The batches of one file: which was read last, whose turn it is to be committed, which are left."""

    loader: Loader
    name: str
    found: Iterator[pa.Table]
    make: Make
    reading: Lock = field(default_factory=Lock)
    turn: Condition = field(default_factory=Condition)
    read: int = 0
    ended: int = 0
    rows: int = 0
    is_over: bool = False
    left: dict[int, pa.Table] = field(default_factory=dict)
    hashes: dict[int, np.ndarray] = field(default_factory=dict)

    def work(self, con: duckdb.DuckDBPyConnection) -> None:
        """Takes one batch after the other on a connection of its own."""
        try:
            plan = None
            while (given := self._next()) is not None:
                plan = self._take(con, *given, plan)
        finally:
            self.is_over = True  # where one thread fails, the other ends after its batch

    def _next(self) -> tuple[int, pa.Table] | None:
        with self.reading:
            batch = None if self.is_over else next(self.found, None)
            if batch is None:
                self.is_over = True
                return None
            self.read += 1
            return self.read - 1, batch

    def _take(
        self, con: duckdb.DuckDBPyConnection, number: int, batch: pa.Table, plan: dumps.Plan | None
    ) -> dumps.Plan | None:
        """Inserts a batch, then waits for its turn and commits it, or rolls it back and leaves it.

        `plan` is that of the batch before on the connection; gives its own.
        """
        seen, hashes = self.ended, None
        con.execute("begin")
        try:
            plan = dumps.plan(con, self.loader, self.name, self.make(con, batch), plan)
            if plan and dumps.inserted(con, self.loader, self.name, plan, None):
                hashes = con.execute("select hash(row_key) as hash from arrived").fetchnumpy()["hash"]
        finally:
            with self.turn:
                self.turn.wait_for(lambda: self.ended == number)
                try:
                    self._end(con, number, batch, hashes, seen)
                finally:
                    self.ended += 1
                    self.turn.notify_all()
        return plan

    def _end(
        self,
        con: duckdb.DuckDBPyConnection,
        number: int,
        batch: pa.Table,
        hashes: np.ndarray | None,
        seen: int,
    ) -> None:
        """Commits a batch if all before it were, and no key is in one that it cannot see."""
        unseen = [self.hashes[other] for other in range(seen, number) if other in self.hashes]
        if hashes is None or self.left or any(_meet(hashes, others) for others in unseen):
            self.is_over = True
            self.left[number] = batch
            dumps.end(con, is_good=False)
            return
        dumps.end(con, is_good=True)
        self.rows += len(hashes)
        self.hashes[number] = hashes
        self.hashes.pop(number - AT_ONCE, None)


def _meet(some: np.ndarray, others: np.ndarray) -> bool:
    """Whether two lists of hashes have one in common."""
    return bool(np.intersect1d(some, others, assume_unique=True).size)
