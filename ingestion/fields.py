"""Words that the sources' SQL shares: how a text of a file becomes a value.

Each is a temporary DuckDB macro. `cell` and `code` read '' and '-' as nothing; `moment` gives UTC, reading
a time without an offset in the company's zone; `day` and `yen` give NULL for what is no day or amount, so
that the source can reject the row with a sentence of its own.
"""

import duckdb

_MACROS = (
    "cell(x) as nullif(nullif(x, ''), '-')",
    # a set of signs to trim is built anew for each text: what begins and ends with a letter is left alone
    "code(x) as case when x >= '!' and x < '\u3000' and x <> '-' and not (ends_with(x, ' ') or"
    " ends_with(x, '\t') or ends_with(x, '\r') or ends_with(x, '\n') or ends_with(x, '\u3000')) then x"
    " when x is not null then nullif(nullif(trim(x, ' \t\r\n\u3000'), ''), '-') end",
    "western(x) as trim(regexp_replace(regexp_replace(translate(x, '０１２３４５６７８９：／－',"
    " '0123456789:/-'),"
    " '[年月/.](\\d)', '-\\1', 'g'), '日', '', 'g'))",
    "has_day_only(x) as regexp_matches(western(x), '^\\d{4}-\\d{1,2}-\\d{1,2}$')",
    "day(x) as try_cast(regexp_extract(western(x), '^\\d{4}-\\d{1,2}-\\d{1,2}') as date)",
    "moment(x) as timezone('UTC', case"
    " when regexp_matches(x, ':\\d{2}(\\.\\d+)?\\s*(Z|z|[+-]\\d{2}(:?\\d{2})?)$') then try_cast(x as"
    " timestamptz)"
    " when day(x) is null then null"
    " else timezone(getvariable('zone'), try_cast(western(x) as timestamp)) end)",
    "yen(x) as try_cast(regexp_replace(translate(x, '０１２３４５６７８９．', '0123456789.'),"
    " '[,，¥￥\\\\円\\s]', '', 'g')"
    " as decimal(18, 2))",
    "parameter(query, name) as code(try(url_decode(replace("
    "regexp_extract(query, '(?:^|[&;?])' || name || '=([^&;#]*)', 1), '+', ' '))))",
    "bad(what, x) as what || ' \"' || left(x, 60) || '\" does not exist or cannot be read: correct it"
    " in the source"
    " and send the row again'",
    "unknown_word(what, x, known) as what || ' \"' || left(x, 60) || '\" is no word that is known: write '"
    " || known || ' in the source and send the row again'",
    "shortened(what, x) as what || ' \"' || left(x, 60) || '\" was shortened by Excel and names nothing any"
    " more: format the column as text in the source and send the row again'",
    "missing(what) as 'the row has no ' || what || ': add it in the source and send the row again'",
)


def define(con: duckdb.DuckDBPyConnection, zone: str) -> None:
    """Makes the macros known to the connection and sets the zone of times without an offset."""
    con.execute("set variable zone = ?", [zone])
    for macro in _MACROS:
        con.execute(f"create or replace temp macro {macro}")


def named(names: dict[str, str]) -> str:
    """SQL of `unread` with fields as columns, `{column: key in the record}`, all text as it came.

    Gives line_number, text, payload, fault and the columns; the record is parsed once for all of them.
    """
    paths = ", ".join(f"""'$."{key}"'""" for key in names.values())
    columns = ", ".join(f"found[{place}] as {column}" for place, column in enumerate(names, start=1))
    return f"""
        select line_number, text, payload, fault, {columns}
        from (select *, json_extract_string(fields, [{paths}]) as found from unread)"""
