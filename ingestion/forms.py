"""Form submissions as JSON (lines, an array, an object a file) or as tables -> `raw_forms.submissions`.

    record -> its leaves, whatever it nests -> fields by `form_fields.csv` or the form's own `columns.yml`
        -> typed columns

Every field, known or not, stays in `payload` as it came. A nested object is read as its fields, a list of
`{name, value}` pairs as the fields that it names, a list of ticked boxes as their texts with commas.
"""

import csv
import json
import re
import unicodedata
from collections.abc import Iterable, Iterator
from functools import cache, partial
from pathlib import Path

import duckdb
import pyarrow as pa

from ingestion.fields import named
from ingestion.files import Found
from ingestion.mapping import MAPPING, beside
from ingestion.records import Form

TABLES = ("submissions",)

_FIELDS = {
    "submission_id": "submission_id",
    "form_id": "form_id",
    "form_kind": "form_kind",
    "submitted_at": "submitted_at",
    "visitor_id": "visitor_id",
    "client_address": "ip",
    "email_raw": "email",
    "person_name_raw": "name",
    "person_kana": "name_kana",
    "company_name_raw": "company",
    "department": "department",
    "position": "position",
    "phone_raw": "phone",
    "prefecture": "prefecture",
    "address": "address",
    "industry": "industry",
    "product_id": "product_id",
    "message": "message",
    "consent": "consent",
    "consent_wording": "consent_wording",
    "mid": "mid",
    "page": "page",
    "campaign_id": "campaign_id",
}
_HALVES = {"name": ("family_name", "given_name"), "name_kana": ("family_kana", "given_kana")}
FIELDS = (*_FIELDS.values(), *(half for halves in _HALVES.values() for half in halves))
"""What a field of a form can mean."""

_YES = (
    *(
        "true",
        "yes",
        "on",
        "1",
        "y",
        "ok",
        "checked",
        "agree",
        "agreed",
        "accept",
        "accepted",
        "はい",
        "同意",
    ),
    *(
        "同意する",
        "同意します",
        "同意しました",
        "承諾する",
        "承諾します",
        "希望する",
        "希望します",
        "可",
        "○",
        "✓",
    ),
)
_PAIR = (("name", "label", "key", "field", "question", "title"), ("value", "answer", "values", "text"))
_MEND = (
    "name its columns in the first row with words of ingestion/form_fields.csv, or say what they mean in a"
    f" {MAPPING} beside the file"
)
_NO_TIME = (
    f"the row has no submitted_at: send it, or say in a {MAPPING} beside the file which field is"
    " the time (columns: {name in the file: submitted_at})"
)

Known = dict[str, tuple[int, str]]
"""Name of a field without its decoration -> (rank, what it means); a lower rank is preferred."""


def recognises(keys: set[str]) -> bool:
    """Whether the keys of a file's first records are those of form submissions."""
    meant = {_packaged()[bare][1] for bare in map(_bare, keys) if bare in _packaged()}
    is_ours = "submitted_at" in keys and bool(keys & {"submission_id", "form_id", "form_kind"})
    return is_ours or {"submitted_at", "email", "message"} <= meant or {"submitted_at", "consent"} <= meant


def form(found: Found) -> Form:
    """How the tables of a form are read: by its own `columns.yml` before the names known to all."""
    said = beside(found, FIELDS, str)
    known = _packaged() | {_bare(name): (-1, meant) for name, meant in said.headers.items()}
    return Form(
        partial(_table_of, known, found.source is None),
        lambda name: unicodedata.normalize("NFKC", name).strip().removeprefix("\ufeff"),
        lambda record: said.meant(_meant(known, said.every_row, said.filled(record.items()))),
        _MEND,
        said.encoding,
    )


def _table_of(known: Known, is_strict: bool, keys: set[str]) -> str | None:
    if is_strict:  # outside the folder of forms: a list of people must not pass for submissions
        return "submissions" if recognises(keys) else None
    meant = {known[bare][1] for bare in map(_bare, keys) if bare in known}
    return "submissions" if len(meant) >= 2 else None


@cache
def _packaged() -> Known:
    with Path(__file__).with_name("form_fields.csv").open(encoding="utf-8", newline="") as lines:
        return {_bare(row["name"]): (rank, row["field"]) for rank, row in enumerate(csv.DictReader(lines))}


@cache
def _bare(name: str) -> str:
    """A field's name without what forms put around it: blanks, joiners, `(必須)`, `*`, `※`, a colon."""
    plain = unicodedata.normalize("NFKC", name).lower()
    plain = re.sub(r"[(\[【]?(?:必須|任意|required|optional)[)\]】]?", "", plain)
    return re.sub(r"[\s_\-‐*※:?.]+", "", plain)


# JSON ---------------------------------------------------------------------------------------------


def name_fields(con: duckdb.DuckDBPyConnection, found: Found) -> None:
    """Gives the `fields` of `batch` our own names; a batch that has them already is left as it is."""
    said = beside(found, FIELDS, str)
    known = _packaged() | {_bare(name): (-1, meant) for name, meant in said.headers.items()}
    keys = {
        key
        for (keys,) in con.execute("select keys from shapes where keys is not null").fetchall()
        for key in keys
    }
    is_plain = said.is_silent and all(key in FIELDS or _bare(key) not in known for key in keys)
    nests = "" if not is_plain else " and regexp_matches(payload, ':[\\[{]')"
    texts = con.execute(f"select distinct payload from batch where payload is not null{nests}").fetchall()
    if not texts:
        return
    meant = [
        _json(said.meant(_meant(known, said.every_row, said.filled(_leaves(_read(text))))))
        for (text,) in texts
    ]
    payloads = pa.array([text for (text,) in texts], pa.string())
    con.register("meant", pa.table({"payload": payloads, "fields": pa.array(meant, pa.string())}))
    con.execute("update batch set fields = meant.fields from meant where batch.payload = meant.payload")
    con.unregister("meant")


def _read(text: str) -> dict[str, object]:
    """The object; numbers stay as they are written, and one too deep for Python has no field."""
    try:
        return json.loads(text, parse_float=str, parse_int=str)
    except RecursionError:
        return {}


def _json(record: dict[str, str]) -> str:
    return json.dumps(record, ensure_ascii=False)


def _leaves(value: object, name: str = "") -> Iterator[tuple[str, str]]:
    """Name and text of everything in a record, what stands higher first; an inner name stands for itself."""
    if isinstance(value, dict):
        inner = [(key, one) for key, one in value.items() if isinstance(one, dict | list)]
        yield from ((key, _text(one)) for key, one in value.items() if not isinstance(one, dict | list))
        for key, one in inner:
            yield from _leaves(one, key)
    elif isinstance(value, list):
        boxes = [_text(one) for one in value if not isinstance(one, dict | list)]
        if boxes and name:
            yield name, ", ".join(boxes)
        for one in value:
            pair = _pair(one)
            yield from _leaves(pair[1], pair[0]) if pair else _leaves(one) if isinstance(one, dict) else ()
    else:
        yield name, _text(value)


def _pair(value: object) -> tuple[str, object] | None:
    """Name and value of a `{name, value}` pair, as form services write their answers."""
    if not isinstance(value, dict):
        return None
    name = next((value[key] for key in _PAIR[0] if isinstance(value.get(key), str)), None)
    key = next((key for key in _PAIR[1] if key in value), None)
    return (name, value[key]) if name is not None and key else None


def _text(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _meant(known: Known, every_row: dict[str, str], leaves: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Field -> text; where several names mean one field the preferred one that is filled wins."""
    best: dict[str, tuple[int, str]] = {}
    for name, text in leaves:
        rank, field = known.get(_bare(name), (0, ""))
        if field and text.strip() and (field not in best or rank < best[field][0]):
            best[field] = rank, text
    record = every_row | {field: text for field, (_, text) in best.items()}
    for whole, halves in _HALVES.items():
        texts = [record[half] for half in halves if half in record]
        if texts and whole not in record:
            record[whole] = " ".join(texts)
    return record


# SQL ----------------------------------------------------------------------------------------------


def parse(table: str) -> str:
    """SQL of the parsed rows over `unread(line_number, text, payload, fields, fault)`."""
    yes = ", ".join(f"'{word}'" for word in _YES)
    return f"""
        select
            line_number, text, payload as content, code(submission_id) as provider_id,
            coalesce(fault, case
                when code(submitted_at) is null then '{_NO_TIME}'
                when happened_at is null
                    or happened_at not between timestamp '1993-01-01' and timestamp '2100-01-01'
                    then bad('submitted_at', submitted_at)
            end) as reason,
            code(submission_id) as submission_id,
            code(form_id) as form_id,
            code(form_kind) as form_kind,
            happened_at as occurred_at,
            code(visitor_id) as visitor_id,
            code(client_address) as client_address,
            cell(email_raw) as email_raw,
            cell(person_name_raw) as person_name_raw,
            cell(person_kana) as person_kana,
            cell(company_name_raw) as company_name_raw,
            cell(department) as department,
            cell(position) as position,
            cell(phone_raw) as phone_raw,
            coalesce(cell(prefecture), cell(address)) as prefecture_raw,
            cell(industry) as industry,
            code(product_id) as product_id,
            cell(message) as message,
            case
                when lower(code(split_part(consent, ', ', 1))) in ({yes}) then true
                when code(consent) is not null then false
            end as has_consent,
            cell(consent_wording) as consent_wording,
            coalesce(code(mid), parameter(page, 'mid')) as mail_token,
            code(regexp_extract(page, '^(?:[A-Za-z]+://[^/?#]*)?([^?#]*)', 1)) as page_path,
            code(campaign_id) as campaign_id,
            payload
        from (
            select *, case
                -- seconds or milliseconds since 1970, as form services give them
                when regexp_full_match(code(submitted_at), '\\d{{10}}(\\.\\d+)?')
                    then make_timestamp(cast(round(cast(code(submitted_at) as double) * 1e6) as bigint))
                when regexp_full_match(code(submitted_at), '\\d{{13}}')
                    then make_timestamp(cast(code(submitted_at) as bigint) * 1000)
                else moment(rtrim(regexp_replace(code(submitted_at),
                    '(\\d{{1,2}})時(\\d{{1,2}})分(?:(\\d{{1,2}})秒)?', '\\1:\\2:\\3'), ':'))
                end as happened_at
            from ({named(_FIELDS)})
        )"""
