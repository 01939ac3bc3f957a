"""Columns of a raw table that are made from others: each distinct text normalised once.

*_raw column -> plain texts by SQL, the distinct others by `normalise` -> joined back in DuckDB
"""

import duckdb
import pyarrow as pa

from ingestion.normalise import SPELLINGS


def normalised(con: duckdb.DuckDBPyConnection, view: str, columns: list[str]) -> str:
    """SQL of `view` with its normalised columns, made from the distinct values of the columns they come from.

    `columns` are those that the raw table has; a column of SPELLINGS is made if `view` holds its origin.
    """
    have = _columns(con, view)
    wanted = _wanted(have, columns)
    for origin in wanted:
        _spell(con, view, origin)
    replaced = "".join(
        f", {_value(origin, name)} as {name}" for origin, made in wanted.items() for name in made
    )
    joins = "".join(
        f" left join known_{origin} as spelling_{origin} on spelling_{origin}.text = rows.{origin}"
        for origin in wanted
    )
    return f"select rows.*{_without(have, wanted)}{replaced} from {view} as rows{joins}"


def normalised_plain(con: duckdb.DuckDBPyConnection, view: str, columns: list[str]) -> tuple[str, str] | None:
    """SQL of `view`, normalised by SQL alone, and SQL that is true of a row of it that is too odd for that.

    None if a column of it cannot be made so.
    """
    have = _columns(con, view)
    wanted = _wanted(have, columns)
    if any(SPELLINGS[origin].plain is None for origin in wanted):
        return None
    made = "".join(
        f", {SPELLINGS[origin].plain.format(f'rows.{origin}')} as {names[0]}"
        for origin, names in wanted.items()
    )
    odd = [f"{origin} is not null and {names[0]} is null" for origin, names in wanted.items()]
    return f"select rows.*{_without(have, wanted)}{made} from {view} as rows", " or ".join(odd) or "false"


def _columns(con: duckdb.DuckDBPyConnection, view: str) -> set[str]:
    return {row[0] for row in con.execute(f"describe {view}").fetchall()}


def _wanted(have: set[str], columns: list[str]) -> dict[str, list[str]]:
    """The origins of SPELLINGS that there are, and the columns of the table to be made from each."""
    return {
        origin: made
        for origin, spelling in SPELLINGS.items()
        if origin in have and (made := [name for name in spelling.columns if name in columns])
    }


def _without(have: set[str], wanted: dict[str, list[str]]) -> str:
    """SQL that leaves out of `rows.*` what is made anew."""
    twice = have & {name for made in wanted.values() for name in made}
    return f" exclude ({', '.join(sorted(twice))})" if twice else ""


def _value(origin: str, name: str) -> str:
    plain, known = SPELLINGS[origin].plain, f"spelling_{origin}.{name}"
    return f"coalesce({plain.format(f'rows.{origin}')}, {known})" if plain else known


def _spell(con: duckdb.DuckDBPyConnection, view: str, origin: str) -> None:
    """Registers the spellings of one column as `known_<origin>`, a row for each distinct odd text."""
    spelling = SPELLINGS[origin]
    odd = f" and {spelling.plain.format(origin)} is null" if spelling.plain else ""
    found = con.execute(f"select distinct {origin} from {view} where {origin} is not null{odd}").fetchall()
    texts = [text for (text,) in found]
    values = list(zip(*map(spelling.of, texts), strict=True)) or [()] * len(spelling.columns)
    types = [pa.bool_() if name.partition("_is_")[1] else pa.string() for name in spelling.columns]
    made = {
        name: pa.array(column, kind)
        for name, column, kind in zip(spelling.columns, values, types, strict=True)
    }
    con.register(f"known_{origin}", pa.table({"text": pa.array(texts, pa.string()), **made}))
