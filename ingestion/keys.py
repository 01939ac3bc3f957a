"""Row keys: what makes ingestion order-proof.

    row_key = md5(source, stream, canonical content)    for the first of its content in a file (k = 1)
            = md5(that key, k)                          for the k-th

A row with its provider's own id (an event, a submission, a CRM row) has k = 1 always: a repeat of it is a
duplicate. Loading is insert-if-absent on the key, so the union over files is a multiset maximum, which is
commutative, associative and idempotent: order, repetition, rotation and splitting of files cannot matter.
"""

import duckdb

_CONTENT_KEY = "md5(concat_ws(chr(31), getvariable('source'), getvariable('stream'), content))"


def forget_lines(con: duckdb.DuckDBPyConnection) -> None:
    """Starts a file: no line of it has been counted."""
    con.execute("create or replace temp table seen (content_key varchar, times bigint)")


def count_known(con: duckdb.DuckDBPyConnection, until: int, content: str) -> None:
    """Counts the lines of `batch` up to `until`, taken in an earlier run, by their column `content`."""
    if until:
        con.execute(
            f"insert into seen select {_CONTENT_KEY} as content_key, count(*)"
            f" from (select {content} as content from batch where line_number <= {until} and {content}"
            f" is not null)"
            " group by 1"
        )


def make_keyed(con: duckdb.DuckDBPyConnection) -> None:
    """Temp table `keyed`: the good rows of `parsed`, each content once a file or with its k, and its key.

    Reads `parsed(line_number, content, provider_id, reason, ...)` and the counts of the file's earlier
    batches in `seen`, which it then adds to. A line may give several rows, so `keyed.place` is the row's
    place in `parsed` (its rowid), not the line's number.
    """
    con.execute(f"""
        create or replace temp table contents as
        select rowid as place, {_CONTENT_KEY} as content_key, provider_id is not null as has_id,
            row_number() over (partition by content_key order by line_number, rowid) as nth
        from parsed where reason is null""")
    con.execute("""
        create or replace temp table keyed as
        with counted as (
            select place, content_key, has_id,
                if(has_id, 1, nth + coalesce(earlier.times, 0))::bigint as occurrence
            from contents
            left join (
                select content_key, sum(times)::bigint as times from seen
                where content_key in (select content_key from contents) group by 1
            ) as earlier using (content_key)
            where not has_id or nth = 1
        )
        select place, occurrence,
            if(occurrence = 1, content_key, md5(content_key || chr(31) || occurrence)) as row_key
        from counted""")
    con.execute("insert into seen select content_key, count(*) from contents group by 1")
