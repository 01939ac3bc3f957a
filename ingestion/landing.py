"""From the landing folder to the raw tables: the one way that every source takes.

    find -> look (changed? grown? which source?) -> read in batches -> parse -> key -> normalise -> load
    -> record

Each file fails alone. Rows are loaded when enough of them wait, files are recorded when their rows are
loaded; a run that is killed anywhere in between is made good by the next, which reads again what was not
recorded and loads only what is missing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion import (
    abreast,
    arrivals,
    dumps,
    email,
    fields,
    files,
    forms,
    gathered,
    keys,
    ledger,
    lines,
    objects,
    records,
    retry,
    settings,
    web,
)
from ingestion.arrivals import MODULES, SOURCES
from ingestion.files import Found, Reading, Snapshot, Unreadable
from ingestion.ledger import Entry, FileReport, IngestReport, Read
from ingestion.spellings import normalised
from ingestion.tables import columns_of
from ingestion.warehouse import Loader, opened, quiet_dlt

_ROWS_WAITING = 500_000
_STILL_SECONDS = 3600


def ingest(
    landing: Path | str,
    warehouse: Path,
    *,
    state_dir: Path,
    sources: Sequence[str] | None = None,
    zone: str = "Asia/Tokyo",
    retry_rejects: bool = False,
    on_progress: Callable[[str], None] | None = None,
) -> IngestReport:
    """Loads what is new below `landing` into the raw tables of `warehouse`.

    `landing` may be a URL that fsspec knows (`s3://`, `sftp://`, `file://`); `state_dir` is dlt's working
    folder; `zone` is the zone of times that name none; with `retry_rejects` the files that have rejected
    lines are read again, as after a mend. Raises IngestError (WarehouseLocked when another process holds the
    warehouse) when nothing could be done; a file that fails is a sentence in `IngestReport.troubles`.
    """
    wanted = tuple(sources or SOURCES)
    arrivals.check(landing, wanted, zone)
    state_dir.mkdir(parents=True, exist_ok=True)
    quiet_dlt(state_dir)
    report = IngestReport(datetime.now(UTC).replace(tzinfo=None))
    with opened(warehouse) as con:
        fields.define(con, zone)
        web.define(con)
        by_source = arrivals.by_source(arrivals.find(landing, state_dir), report)
        for source in wanted:
            intake = _Intake(con, source, state_dir, report, retry_rejects)
            for found in by_source[source]:
                intake.take(found)
            if retry_rejects:
                intake.retry_lost(
                    arrivals.root_of(landing, state_dir), {found.path for found in by_source[source]}
                )
            intake.finish()
            if on_progress and report.of(source).files:
                on_progress(_progress(source, len(by_source[source]), report.of(source)))
    return report


def _progress(source: str, count: int, report: IngestReport) -> str:
    return (
        f"{source}: {count} files, {len(report.files)} read, {report.rows_loaded} rows loaded,"
        f" {report.rows_duplicate} known already, {report.rows_rejected} rejected"
    )


class _Intake:
    """The files of one source on their way: rows waiting to be loaded, files waiting to be recorded."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        source: str,
        state_dir: Path,
        report: IngestReport,
        retry_rejects: bool = False,
    ) -> None:
        self.retry_rejects = retry_rejects
        self.con, self.source, self.report = con, source, report
        self.module = MODULES[source]
        self.tables = {table: f"raw_{source}.{table}" for table in self.module.TABLES}
        self.loader = Loader(con, source, state_dir)
        self.known = ledger.entries(con)
        self.settings = settings.Digests()
        self.state_dir = state_dir
        self.done: list[Read] = []
        self.gathering = gathered.Gathering(con, self.loader) if gathered.can_hold(source) else None
        con.execute("set variable source = ?", [source])
        con.execute("set variable loaded_at = ?", [report.loaded_at])
        for name in self.tables:
            self.loader.make_ready(name)
        con.execute(
            "create or replace temp table rejects_found (path varchar, line_number bigint, text"
            " varchar, reason varchar, record varchar)"
        )

    def take(self, found: Found) -> None:
        """Reads a file if it is new or has changed; any trouble is the file's own."""
        report = FileReport(self.source, found.path)
        try:
            looked = files.facts(found)
            if not looked.size:
                raise Unreadable("is empty: send it again with its rows, or remove it")
            entry = self._entry(found, looked)
            skip = self._lines_known(looked, entry) if entry else 0
            if skip is None:
                if entry and entry.trouble:
                    self.report.troubles.append(f"{found.path} {entry.trouble}")
                return
            small = None
            if self.gathering and not skip:
                rows_before = entry.rows_read if entry else 0
                small = gathered.small(files.look(looked), report, rows_before, _is_still(looked))
            if not (small and self.gathering.has_room_for(small)):
                self._take_gathered()
            if small:
                self.gathering.add(small)
                self.report.files.append(report)
                return
            reading = self._read(files.look(looked), skip, report)
        except (Unreadable, duckdb.InvalidInputException, duckdb.ConversionException) as error:
            self._drop(found.path)
            why = str(error)
            if not isinstance(error, Unreadable):
                why = f"cannot be read ({why.splitlines()[0][:200]}): mend it"
            report = FileReport(self.source, found.path, trouble=f"{found.path} {why}")
        except duckdb.OutOfMemoryException as error:
            if "space" in str(error):  # a full disk is the run's trouble, not the file's
                raise
            self._drop(found.path)
            why = "is too large to be taken at once: split it into files of some 100 MB"
            report = FileReport(self.source, found.path, trouble=f"{found.path} {why}")
        else:
            self._note(Read(report, looked, reading, entry.rows_read if entry else 0, not skip))
        finally:
            files.let_go(found)
        self.report.files.append(report)
        if report.trouble:
            self.report.troubles.append(report.trouble)

    def _note(self, read: Read) -> None:
        """Lets a file that is read to its end wait to be recorded."""
        read.report.trouble = ledger.trouble(self.con, read.report, read.reading)
        read.reading.settings_hash = self.settings.of(read.looked.found)
        self.done.append(read)

    def _take_gathered(self) -> None:
        """Takes the small files that were gathered, one by one where they cannot be taken together."""
        gathering = self.gathering
        waiting = list(gathering.waiting) if gathering else []
        try:
            taken = gathering.take() if gathering else []
        except (duckdb.InvalidInputException, duckdb.ConversionException):
            taken, self.gathering = [], None
            for small in waiting:
                self._drop(small.report.path)
                self.report.files.remove(small.report)
                self.take(small.looked.found)
            self.gathering = gathering
        for small in taken:
            self._note(Read(small.report, small.looked, small.reading, small.rows_read_before, is_anew=True))
            if small.report.trouble:
                self.report.troubles.append(small.report.trouble)
        if self.loader.rows >= _ROWS_WAITING:
            self._load()

    def retry_lost(self, landing: Path, there: set[str]) -> None:
        """Tries the rejected lines of files again that are no longer in the landing folder."""
        self._take_gathered()
        for found in retry.lost(self.con, self.source, there, landing, self.state_dir / "retried"):
            report, entry = FileReport(self.source, found.path), self.known[found.path]
            looked = files.snapshot(found)
            try:
                reading = self._read(looked, 0, report)
            except Unreadable as error:
                self._drop(found.path)
                self.report.troubles.append(f"{found.path} is gone, and what is kept of it {error}")
                continue
            report.trouble = ledger.trouble(self.con, report, reading)
            self.report.troubles += [report.trouble] if report.trouble else []
            # The file may come back: the ledger goes on knowing it as it was.
            looked.size, looked.modified_ns = entry.size_bytes, entry.modified_ns
            reading.content_hash, reading.lines_done = entry.content_hash, entry.lines_done
            reading.is_open, reading.open_line, reading.trouble = entry.is_open, entry.open_line, None
            reading.settings_hash = entry.settings_hash
            before = entry.rows_read - entry.rows_rejected
            self.done.append(Read(report, looked, reading, before, is_retry=True))
            self.report.files.append(report)

    def _entry(self, found: Found, looked: Snapshot) -> Entry | None:
        """The file's line in the ledger; none if it is to be read as if for the first time."""
        entry, now = self.known.get(found.path), self.settings.of(found)
        if entry and entry.settings_hash is None:
            ledger.note_settings(self.con, found.path, now)
        elif entry and entry.settings_hash != now:
            self._try(looked)
            cause = "its settings were changed"
            for path in ledger.take_back(self.con, self.tables.values(), self.source, found.path, cause):
                self.known[path].content_hash, self.known[path].modified_ns = None, 0
            return None
        if entry and entry.rows_rejected and self.retry_rejects:
            ledger.forget_rejects(self.con, found.path)
            return None
        return entry

    def _try(self, looked: Snapshot) -> None:
        """Reads a file and takes nothing: rows are not given up for settings under which none can be read."""
        looked = files.look(looked)
        files.check_packed(looked)
        for name in self._batches(looked, Reading()):
            self._rows(name, looked)

    def _lines_known(self, looked: Snapshot, entry: Entry) -> int | None:
        """How many lines of a file seen before need not be read again; None if it has nothing new."""
        left_open = entry.is_open and entry.open_line is None and _is_still(looked)
        nothing_new = entry.lines_done if left_open else None
        if entry.content_hash and (looked.size, looked.modified_ns) == (entry.size_bytes, entry.modified_ns):
            return nothing_new
        before, now = files.digests(files.fetch(looked), entry.size_bytes)
        if now == entry.content_hash:
            ledger.touch(self.con, looked)
            return nothing_new
        if before != entry.content_hash:
            return 0
        if entry.open_line is not None and files.byte_at(looked, entry.size_bytes) not in b"\r\n":
            ledger.forget_open_line(self.con, self.tables.values(), self.source, looked.found.path, entry)
            self.known = ledger.entries(self.con)
            entry.rows_read -= 1
            return entry.open_line - 1
        return entry.lines_done

    def _read(self, looked: Snapshot, skip: int, report: FileReport) -> Reading:
        """Reads a file to its end, batch by batch; lines up to `skip` are counted for k, not taken again."""
        reading = Reading()
        self.con.execute("set variable stream = ?", [looked.found.stream])
        self.con.execute("set variable path = ?", [looked.found.path])
        keys.forget_lines(self.con)
        self.is_all_new = True
        files.check_packed(looked)
        left = None
        if self.module is email and not skip:
            rows, left = abreast.take_events(self.con, self.loader, looked, reading, _is_still(looked))
            report.rows_read, report.rows_loaded = rows, rows
        for name in self._batches(looked, reading, left):
            self._take_batch(name, skip, report, looked)
            if self.loader.rows >= _ROWS_WAITING:
                self._load()
        reading.lines_done = max(reading.lines_done, skip)
        return reading

    def _batches(
        self, looked: Snapshot, reading: Reading, left: Iterator[pa.Table] | None = None
    ) -> Iterator[str]:
        """Fills the temp table `batch` again and again; yields the raw table that it is for."""
        con, module, still = self.con, self.module, _is_still(looked)
        if module is web:
            self.said, self.style = web.style_of(looked)
            for taken in lines.batches(looked, reading, self.style.is_whole, still):
                for part, style in web.parts(taken, self.style):
                    self.style = style
                    con.register("batch", part)
                    yield "requests"
                    con.unregister("batch")
        elif module is email or looked.kind == "array" or looked.starts_json or objects.holds_any(looked):
            name = self._json_table(looked)
            is_kept = module is not email
            for _ in objects.batches(con, looked, reading, still, is_kept=is_kept, left=left):
                self._name_fields(looked)
                yield name
        else:
            form = module.form(looked.found)
            found = records.table(looked, reading, form, still)
            yield from (found.layout.table for _ in records.batches_of_table(con, found, form))

    def _name_fields(self, looked: Snapshot) -> None:
        """Gives a JSON batch the field names of its source, where the source has a form for headers."""
        if self.module is forms:
            forms.name_fields(self.con, looked.found)
        elif hasattr(self.module, "form") and (form := self.module.form(looked.found)).names_json:
            records.names_told(self.con, form)

    def _json_table(self, looked: Snapshot) -> str:
        """The raw table of a JSON file: by the keys of its first records where the source has several."""
        if len(self.tables) == 1:
            return next(iter(self.tables))
        with files.opened(looked) as stream:
            names = records.keys_of(files.start_of(stream))
        form = self.module.form(looked.found)
        table = form.table_of(set(map(form.spelled, names)))
        if not table:
            raise Unreadable(f"line 1: the keys are of no table that is known here: {form.mend}")
        return table

    def _take_batch(self, name: str, skip: int, report: FileReport, looked: Snapshot) -> None:
        """Parses the batch, keeps rejects, and lets the rows that are new wait to be loaded."""
        con, table = self.con, self.tables[name]
        keys.count_known(con, skip, "text" if self.module is web else "payload")
        con.execute(f"create or replace temp view unread as select * from batch where line_number > {skip}")
        rows = self._rows(name, looked)
        if self.is_all_new and not skip:
            taken = dumps.take(con, self.loader, name, rows, self._clock())
            if taken is not None:
                report.rows_read += taken
                report.rows_loaded += taken
                return
        if self.is_all_new and report.rows_loaded:
            keys.count_dumped(con, table, self._clock())
        self.is_all_new = False
        con.execute(
            "create or replace temp table parsed as"
            f" select * exclude (content), {keys.CONTENT_KEY} as content_key from ({rows})"
        )
        clock, count = self._clock_and_count(report)
        keys.count_repeats(con, clock)
        parsed = [row[0] for row in con.execute("describe parsed").fetchall()]
        fresh = keys.fresh(table, f"waiting_keys_{name}", clock, parsed)
        con.execute(f"create or replace temp {'view fresh_lines' if clock else 'table fresh'} as {fresh}")
        columns = ", ".join(columns_of(table))
        rows = normalised(con, "fresh_lines" if clock else "fresh", columns_of(table))
        report.rows_loaded += self.loader.wait(name, report.path, f"select {columns} from ({rows})", count)

    def _rows(self, name: str, looked: Snapshot) -> str:
        """SQL of the parsed rows of `unread`."""
        if self.module is web:
            return web.parse(name, self.style, self.said)
        return email.parse(name, self.con, looked.found) if self.module is email else self.module.parse(name)

    def _clock_and_count(self, report: FileReport) -> tuple[keys.Clock | None, int]:
        """Counts the rows of `parsed` and keeps its rejects; gives the batch's span of time and its rows."""
        column = self._clock()
        span = f", min({column}) filter (reason is null), max({column}) filter (reason is null)"
        count, rejected, *times = self.con.execute(
            f"select count(*), count(reason){span if column else ''} from parsed"
        ).fetchone()
        report.rows_read += count
        report.rows_rejected += rejected
        if rejected:
            record = "null" if self.module is web else "payload"
            self.con.execute(
                f"insert into rejects_found select getvariable('path'), line_number, text, reason, {record}"
                " from parsed where reason is not null"
            )
        return keys.Clock(column, *times) if column and times[0] else None, count

    def _clock(self) -> str | None:
        """The column that a row's content settles, if it has one."""
        return web.CLOCK if self.module is web and self.style.has_offset else None

    def _drop(self, path: str) -> None:
        """Takes back what a file that failed has left waiting."""
        self.loader.forget(path, self.tables)
        self.con.execute("delete from rejects_found where path = ?", [path])

    def _load(self) -> None:
        """Loads the waiting rows, then records the files that are read to their end."""
        self.loader.load(self.tables)
        if self.done:
            ledger.record(self.con, self.source, self.tables.values(), self.done, self.report.loaded_at)
            self.done = []

    def finish(self) -> None:
        """Loads and records whatever still waits."""
        self._take_gathered()
        self._load()


def _is_still(looked: Snapshot) -> bool:
    """Whether nobody has written to the file for an hour."""
    return time.time() - looked.modified_ns / 1e9 > _STILL_SECONDS
