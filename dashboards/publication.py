"""The published file: from the link `serving/serving.duckdb` to rows, read-only.

`publish` writes `serving-<run>.duckdb` and flips the link; this module resolves the link once a request, so
that one page never shows two runs. DuckDB keeps an open file by its path, hence a connection is held per
resolved file.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb

from dashboards.masks import MASKED, write_views

LINK_NAME, SERVING = "serving.duckdb", "serving"


class NothingPublished(Exception):
    """No file is public yet: the link is missing, or points nowhere."""


@dataclass(frozen=True)
class Run:
    """The run that made a file: its id, the day its numbers stand for, and when it was published (UTC)."""

    run_id: str
    as_of: date | str | None
    published_at: datetime | None


@dataclass(frozen=True)
class Result:
    """Rows of one query. `columns` keeps the order of the select; each row is a dict by column name."""

    columns: list[str]
    rows: list[dict[str, Any]]


def open_read_only(database: Path) -> duckdb.DuckDBPyConnection:
    """A connection that sees only `database`: no other file, no extension, no network.

    The file is attached to an in-memory database of its own, so another connection in this process to the
    same file with other settings does no harm (duckdb.connect would refuse it).

    Raises duckdb.Error when the file is not a DuckDB file or is held by a writer.
    """
    connection = duckdb.connect(
        ":memory:",
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"},
    )
    path = str(database).replace("'", "''")
    connection.execute(f"attach '{path}' as {SERVING} (read_only)")
    connection.execute(f"attach ':memory:' as {MASKED}")
    connection.execute("set enable_external_access = false")
    connection.execute("set lock_configuration = true")
    return connection


def cursor_of(connection: duckdb.DuckDBPyConnection, *, is_masked: bool = False) -> duckdb.DuckDBPyConnection:
    """A cursor of its own for one request (DuckDB cursors may be used in parallel, one thread each).

    is_masked: on the views without personal data, which `write_views` must have made.
    """
    cursor = connection.cursor()
    cursor.execute(f"use {MASKED if is_masked else SERVING}")
    return cursor


@dataclass
class OpenFile:
    """A published file that is open, and how many requests are reading it."""

    path: Path
    connection: duckdb.DuckDBPyConnection
    readers: int = 0
    has_views: bool = False

    def cursor(self, is_masked: bool) -> duckdb.DuckDBPyConnection:
        """A cursor for one request; the masked views are made when the first such reader comes."""
        if is_masked and not self.has_views:
            write_views(self.connection, SERVING)
            self.has_views = True
        return cursor_of(self.connection, is_masked=is_masked)


class Publication:
    """The file that is public now, for many requests in many threads.

    One file is open at a time; a former one stays open until its last reader has finished (closing a DuckDB
    connection would close the cursors made from it).
    """

    def __init__(self, serving: Path) -> None:
        self.serving = serving
        self._lock = threading.Lock()
        self._current: OpenFile | None = None

    @contextmanager
    def reading(self, *, is_masked: bool = False) -> Iterator[duckdb.DuckDBPyConnection]:
        """A cursor on the file that is public at this moment; a flip during the request changes nothing.

        is_masked: on its views without personal data.

        Raises NothingPublished when there is no file, duckdb.Error when it cannot be opened.
        """
        with self._lock:
            file = self._take()
            cursor = file.cursor(is_masked)
            file.readers += 1
        try:
            yield cursor
        finally:
            cursor.close()
            with self._lock:
                file.readers -= 1
                self._close_if_left(file)

    def _take(self) -> OpenFile:
        """The open file that the link points to now."""
        try:
            path = (self.serving / LINK_NAME).resolve(strict=True)
        except OSError as missing:
            raise NothingPublished(str(self.serving / LINK_NAME)) from missing
        former = self._current
        if former is None or former.path != path:
            self._current = OpenFile(path, open_read_only(path))
            if former is not None:
                self._close_if_left(former)
        return self._current

    def _close_if_left(self, file: OpenFile) -> None:
        if file is not self._current and file.readers == 0:
            file.connection.close()


def query(cursor: duckdb.DuckDBPyConnection, sql: str, parameters: Mapping[str, Any] | None = None) -> Result:
    """Rows of one `select` with the parameters it names; others in `parameters` are left out.

    Raises duckdb.Error (a missing table or column, a wrong type), ValueError when it is not one select
    statement.
    """
    statements = duckdb.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ValueError("A block must hold exactly one select statement.")
    named = statements[0].named_parameters
    unknown = sorted(named - set(parameters or {}))
    if unknown:
        raise ValueError(f"${unknown[0]} is not a filter of this page. Declare it under `filters`.")
    cursor.execute(sql, {name: parameters[name] for name in named} if parameters and named else None)
    columns = [column[0] for column in cursor.description]
    return Result(columns, [dict(zip(columns, row, strict=True)) for row in cursor.fetchall()])


def read_run(cursor: duckdb.DuckDBPyConnection) -> Run:
    """The run of this file, from `reporting.rpt_run` (written by publish). Raises duckdb.Error when it is
    absent."""
    sql = "select run_id, as_of, published_at from reporting.rpt_run order by published_at desc limit 1"
    rows = query(cursor, sql).rows
    return Run(**rows[0]) if rows else Run("—", None, None)
