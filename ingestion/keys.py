"""Row keys: what makes ingestion order-proof.

    row_key = md5(source, stream, canonical content)    for the first of its content in a file (k = 1)
            = md5(that key, k)                          for the k-th

A row with its provider's own id (an event, a submission, a CRM row) has k = 1 always: a repeat of it is a
duplicate. Loading is insert-if-absent on the key, so the union over files is a multiset maximum, which is
commutative, associative and idempotent: order, repetition, rotation and splitting of files cannot matter.

Where the content of a row settles its time (`clock`), rows of other times cannot be the same row: a look at
what is known then skips whole row groups of the tables by their least and greatest time, so that a batch
costs its own size, not the table's.
"""

from collections.abc import Collection
from dataclasses import dataclass

import duckdb

CONTENT_KEY = "md5(concat_ws(chr(31), getvariable('source'), getvariable('stream'), content))"
"""SQL of a row's content key."""


@dataclass(frozen=True)
class Clock:
    """The column that the content settles, and the times of a batch in it, as SQL."""

    column: str
    least: str
    greatest: str

    def around(self, column: str) -> str:
        """SQL that is true of the batch's span of time."""
        return f"{column} between timestamp '{self.least}' and timestamp '{self.greatest}'"


def forget_lines(con: duckdb.DuckDBPyConnection) -> None:
    """Starts a file: no line of it has been counted.

    `seen` holds 64 bits of each key, which with the time tell lines of one file apart well enough.
    """
    con.execute("create or replace temp table seen (content_hash ubigint, moment timestamp, times bigint)")


def count_known(con: duckdb.DuckDBPyConnection, until: int, content: str) -> None:
    """Counts the lines of `batch` up to `until`, taken in an earlier run, by their column `content`."""
    if until:
        con.execute(
            f"insert into seen select hash({CONTENT_KEY}), null, count(*)"
            f" from (select {content} as content from batch where line_number <= {until} and {content}"
            f" is not null)"
            " group by 1"
        )


def count_dumped(con: duckdb.DuckDBPyConnection, table: str, column: str | None) -> None:
    """Counts the lines of the file that this run has taken as a dump, from what `table` holds of them."""
    con.execute(
        f"insert into seen select hash(row_key), {column or 'null'}, 1 from {table}"
        " where source_file = getvariable('path') and loaded_at = getvariable('loaded_at')"
    )


def count_repeats(con: duckdb.DuckDBPyConnection, clock: Clock | None) -> None:
    """Temp tables `repeats(place, nth)` and `earlier(content_key, times)` of the good rows of `parsed`.

    `repeats` numbers the contents that stand more than once in the batch, by the rows' places (rowid: a line
    may give several rows); `earlier` counts those of the file's earlier batches, to which this one is added.
    """
    con.execute("""
        create or replace temp table repeats as
        select rowid as place, row_number() over (partition by content_key order by line_number, rowid) as nth
        from parsed
        where reason is null and content_key in (
            select content_key from parsed where reason is null group by 1 having count(*) > 1)""")
    con.execute(f"""
        create or replace temp table earlier as
        select content_key, sum(seen.times)::bigint as times
        from (select distinct content_key from parsed where reason is null) as now
        inner join seen on seen.content_hash = hash(now.content_key)
        {f"where {clock.around('seen.moment')} or seen.moment is null" if clock else ""}
        group by 1""")
    con.execute(
        f"insert into seen select hash(content_key), {clock.column if clock else 'null'}, 1"
        " from parsed where reason is null"
    )


def fresh(table: str, waiting: str, clock: Clock | None, columns: Collection[str]) -> str:
    """SQL of the rows of `parsed` that neither `table` nor `waiting` holds, with row_key and occurrence.

    `columns` are those of `parsed`, reason and the like among them.
    """
    kept = ", ".join(name for name in columns if name not in _ABOUT)
    known = f" and {clock.around(f'there.{clock.column}')}" if clock else ""
    return f"""
        with counted as (
            select parsed.*,
                if(provider_id is not null, 1, coalesce(repeats.nth, 1) + coalesce(earlier.times, 0))::bigint
                    as occurrence
            from parsed
            left join repeats on repeats.place = parsed.rowid
            left join earlier on earlier.content_key = parsed.content_key
            where parsed.reason is null and (provider_id is null or coalesce(repeats.nth, 1) = 1)
        ),
        keyed as (
            select {kept}, occurrence,
                if(occurrence = 1, content_key, md5(content_key || chr(31) || occurrence)) as row_key,
                getvariable('stream') as stream, getvariable('path') as source_file,
                getvariable('loaded_at') as loaded_at
            from counted
        )
        select * from keyed
        where not exists (select 1 from {table} as there where there.row_key = keyed.row_key{known})
            and not exists (select 1 from {waiting} as there where there.row_key = keyed.row_key)"""


def first_of(rows: str) -> str:
    """SQL of parsed rows, keyed as if each stood once in its file and were new; a rejected one has no key.

    They are marked and not left out, since DuckDB would compute all that a condition needs twice.
    """
    return f"""
        select * exclude (content, text, reason, provider_id),
            case when reason is null then {CONTENT_KEY} end as row_key,
            1::bigint as occurrence, getvariable('stream') as stream, getvariable('path') as source_file,
            getvariable('loaded_at') as loaded_at
        from ({rows})"""


def are_new(con: duckdb.DuckDBPyConnection, table: str, here: str, waiting: str, column: str | None) -> bool:
    """Whether the keys of the rows of `table` that are `here` differ, and no other row or `waiting` has one.

    `here` is a condition that holds for these rows alone.
    """
    moment = column or "null::timestamp"
    con.execute(
        "create or replace temp table arrived as"
        f" select row_key, {moment} as moment from {table} where {here}"
    )
    count, different, *times = con.execute(
        "select count(*), count(distinct hash(row_key)), min(moment), max(moment) from arrived"
    ).fetchone()
    clock = Clock(column, *times) if column and times[0] else None
    around = f" and {clock.around(f'there.{column}')}" if clock else ""
    if count != different:
        return False
    others = [f"{table} as there on there.row_key = arrived.row_key where not {here}{around}"]
    if con.execute(f"select 1 from {waiting} limit 1").fetchone():
        others.append(f"{waiting} as there on there.row_key = arrived.row_key")
    return not any(
        con.execute(f"select 1 from arrived inner join {other} limit 1").fetchone() for other in others
    )


_ABOUT = ("content_key", "text", "reason", "provider_id")
