"""Webhook events of eight mail providers -> `raw_email.events`, in django-anymail's event words.

    record -> provider, told by its keys -> fields by `email_fields.csv`
        -> joined with `email_event_types.csv` (event and reason -> our words) -> one row a recipient

Amazon SES comes directly or wrapped by SNS. Words: https://anymail.dev/en/stable/sending/tracking/ . Custom
arguments of ours: `mid` (one opaque token per recipient and mail), `campaign_id`. A company's own reading of
an event goes into an `events.yml` beside its files: `sparkpost: {initial_open: opened}`.
"""

import base64
import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import duckdb
import yaml

from ingestion.files import Found, Unreadable

TABLES = ("events",)
SETTINGS = "events.yml"

_WORDS = Path(__file__).with_name("email_event_types.csv")
_FIELDS = Path(__file__).with_name("email_fields.csv")
_COLUMNS = (
    *(
        "word",
        "detail",
        "reason_text",
        "event_id",
        "message_id",
        "recipient_raw",
        "sent_at",
        "machine",
        "url",
    ),
    *("user_agent", "client_address", "mail_token", "campaign_id", "category", "arguments"),
)
_FIELD_OF = {"reason_text": "reason", "sent_at": "at", "recipient_raw": "recipient"}
_TOP_KEY = re.compile(r'\$\.(?:"([^"\\]+)"|([A-Za-z0-9_]+))')
_EVENT = {
    # the event as one object, whatever the provider has wrapped it in; the wrapping's own fields stay
    "ses": "json_merge_patch(payload, case when json_valid(json_extract_string(payload, '$.Message'))"
    " then json_extract_string(payload, '$.Message') else '{}' end)",
    "mailgun": "json_merge_patch(payload, coalesce(json_extract(payload, '$.\"event-data\"'), '{}'))",
    "sparkpost": "json_extract(payload, '$.msys.*')[1]",
}
_PROVIDERS = "SendGrid, Mailgun, Amazon SES, Postmark, Brevo, Mailjet, Resend or SparkPost"


# The provider -------------------------------------------------------------------------------------


def provider_of(keys: set[str]) -> str | None:
    """The provider whose event has these keys at its top; None if it is nobody's."""
    if {"Type", "MessageId", "Message"} <= keys or {"Type", "MessageId", "Token"} <= keys:
        return "ses"
    if keys & {"eventType", "notificationType"} and "mail" in keys:
        return "ses"
    for key, provider in {"msys": "sparkpost", "RecordType": "postmark", "event-data": "mailgun"}.items():
        if key in keys:
            return provider
    if {"type", "created_at", "data"} <= keys:
        return "resend"
    return _provider_of_flat(keys) if "event" in keys else None


def _provider_of_flat(keys: set[str]) -> str | None:
    """The provider of an event whose fields all stand at the top, its word under `event`."""
    if {"sg_event_id", "sg_message_id"} & keys:
        return "sendgrid"
    if {"MessageID", "mj_campaign_id", "mj_contact_id", "mj_message_id"} & keys:
        return "mailjet"
    if {"ts_epoch", "s_epoch", "ts_event", "X-Mailin-custom"} & keys or {"email", "message-id"} <= keys:
        return "brevo"
    return "sendgrid" if "email" in keys else "mailgun"  # Mailgun's form of before 2018 says `recipient`


def recognises(keys: set[str]) -> bool:
    """Whether the keys of a file's first records are those of email events."""
    provider = provider_of(keys)
    is_sure = provider != "mailgun" or bool(keys & {"event-data", "recipient", "message-headers", "token"})
    return provider is not None and is_sure and (provider != "sendgrid" or "timestamp" in keys)


# SQL ----------------------------------------------------------------------------------------------


def parse(table: str, con: duckdb.DuckDBPyConnection, found: Found) -> str:
    """SQL of the parsed rows over `unread(line_number, text, payload, fields, fault)`.

    `con` holds the key lists of the batch's records as `shapes(keys)`. A row that names several recipients
    becomes several, the second with `#2` behind the event's id, so that a repeat of each is harmless.
    Raises Unreadable if the company's `events.yml` is wrong.
    """
    shapes = [keys for (keys,) in con.execute("select keys from shapes where keys is not null").fetchall()]
    providers = {tuple(sorted(keys)): provider_of(set(keys)) for keys in shapes}
    present = sorted({provider for provider in providers.values() if provider})
    if len(present) == 1 and None not in providers.values():
        told, parts = "", [_select(present[0], "unread")]
    else:
        told = f"told as materialized ({_told(providers)}),"
        parts = [_select(name, f"(select * from told where told_provider = '{name}')") for name in present]
        parts.append(_select(None, "(select * from told where told_provider is null)"))
    words = _words(found, present)
    return f"""
        with {told}
        read as ({" union all ".join(parts)}),
        plain as (  -- each once: DuckDB takes longer to find what stands twice than to compute it
            select *, code(word) as plain_word, code(detail) as plain_detail,
                code(reason_text) as plain_reason, code(sent_at) as plain_time, code(event_id) as plain_id
            from read
        ),
        timed as (
            select *, try_cast(plain_time as double) as epoch, lower(plain_word
                || coalesce(' ' || plain_detail, '')) as full_word
            from plain
        ),
        placed as (
            select *, {_place(words)} as place, case
                when epoch is null then moment(plain_time)
                when epoch between 0 and 1e14
                    then make_timestamp(cast(round(epoch * if(epoch >= 1e11, 1e3, 1e6)) as bigint))
                end as happened_at
            from timed
        ),
        judged as (select *, {_reason()} as reason from placed)
        select
            line_number,
            reason,
            case when reason is not null then judged.text end as text,
            case when nth > 1 then payload || chr(31) || nth else payload end as content,
            -- the same payload is the same event, also where the provider gives it no id
            coalesce(plain_id, 'its payload') as provider_id,
            provider,
            {_at_place(words, 3)} as event_type,
            case when nth > 1 then plain_id || '#' || nth else plain_id end as event_id,
            code(message_id) as message_id,
            cell(recipient_raw) as recipient_raw,
            happened_at as occurred_at,
            {_at_place(words, 4)} as reject_reason,
            coalesce({_at_place(words, 5)} = 'true', false)
                or coalesce({_is_marked()}, false) as is_machine,
            cell(url) as url,
            cell(user_agent) as user_agent,
            code(client_address) as client_address,
            coalesce(code(mail_token), code(json_extract_string(arguments, '$.mid')),
                case when contains(url, 'mid=')
                    then parameter(regexp_extract(url, '\\?(.*)$', 1), 'mid') end) as mail_token,
            coalesce(code(campaign_id), code(json_extract_string(arguments, '$.campaign_id'))) as campaign_id,
            case
                when not starts_with(category, '[') then cell(category)
                when starts_with(category, '["') and not contains(category, '\\')
                    then replace(category[3:-3], '","', ',')
                else coalesce(nullif(array_to_string(try_cast(category as varchar[]), ','), ''),
                    nullif(category, '[]'))
            end as category,
            payload
        from judged"""


def _place(words: list[tuple[str, ...]]) -> str:
    """SQL of the place among `words` of an event's word with its reason, else of the word alone.

    A list is looked up where a join would be made with all rows on the side that is kept in memory.
    """
    named = ["" if reason else f"{provider} {word}" for provider, word, reason, *_ in words]
    reasons = [f"{provider} {word}\x1f{reason}" if reason else "" for provider, word, reason, *_ in words]
    alone = f"list_position({_literal(named)}, provider || ' ' || full_word)"
    if not any(reasons):
        return alone
    told = "provider || ' ' || full_word || chr(31) || lower(plain_reason)"
    return f"""coalesce(case when plain_reason is not null
                    then list_position({_literal(reasons)}, {told}) end, {alone})"""


def _at_place(words: list[tuple[str, ...]], column: int) -> str:
    """SQL of one column of the word at `place`; what is empty there is NULL."""
    values = [row[column] or None for row in words]
    return f"{_literal(values)}[place]" if any(values) else "null"


def _is_marked() -> str:
    """SQL of whether `machine` says yes. DuckDB would make a join of `not in`."""
    return " and ".join(f"lower(machine) <> '{no}'" for no in ("", "false", "0", "no", "null"))


def _reason() -> str:
    """SQL of why a record is rejected, NULL if it is not."""
    return f"""coalesce(fault, case
                when provider is null then 'the record is no event of {_PROVIDERS}: put it in the folder of'
                    || ' its source, or take it out'
                when provider = 'ses' and plain_word is null
                    and json_extract_string(payload, '$.Type') is not null
                    then 'the record is a message of Amazon SNS about itself, not an event: there is nothing'
                    || ' to mend, take it out'
                when plain_word is null then missing('event')
                when place is null then 'the event "'
                    || left(full_word, 60) || '" of ' || provider || ' is not known: add it to an {SETTINGS}'
                    || ' beside the file (' || provider || ': {{"' || left(full_word, 60) || '": opened}})'
                when plain_time is not null and (happened_at is null
                    or happened_at not between timestamp '1993-01-01' and timestamp '2100-01-01')
                    then bad('the time', sent_at)
            end)"""


def _told(providers: dict[tuple[str, ...], str | None]) -> str:
    """SQL of `unread` with the provider of each record, by its keys."""
    shapes = ", ".join(f"({_literal(list(keys))}, {_literal(name)})" for keys, name in providers.items())
    shapes = shapes or "([''], null)"
    return f"""
        select unread.*, shape.told_provider
        from (select *, list_sort(json_keys(payload)) as keys_found from unread) as unread
        left join (values {shapes}) as shape (keys, told_provider) on shape.keys = unread.keys_found"""


def _select(provider: str | None, source: str) -> str:
    """SQL of the raw fields of one provider's records; all NULL for records of nobody."""
    if provider is None:
        nothing = ", ".join(f"null::varchar as {column}" for column in _COLUMNS)
        return (
            f"select line_number, text, payload, fault, null as provider, 1 as nth, {nothing} from {source}"
        )
    fields = _fields(provider)
    paths = list(dict.fromkeys(path for found in fields.values() for path, _ in found if "[*]" not in path))
    at_path, places = _read_at(paths)
    columns = ", ".join(f"{_column(provider, fields, places, column)} as {column}" for column in _COLUMNS)
    nth = "1"
    if "recipients" in fields:
        lists = ", ".join(
            f"nullif(json_extract_string(event, {_literal(path)}), [])" for path, _ in fields["recipients"]
        )
        source = f"""(select *, unnest(recipients) as recipient, generate_subscripts(recipients, 1) as nth
            from (select *, coalesce({lists}, [null]) as recipients
                from (select *, {_EVENT[provider]} as event from {source})))"""
        columns, nth = columns.replace("null as recipient_raw", "recipient as recipient_raw"), "nth"
    else:
        source = f"(select *, {_EVENT.get(provider, 'fields')} as event from {source})"
    return f"""
        select line_number, text, payload, fault, '{provider}' as provider, {nth} as nth, {columns}
        from (select *, {at_path} as at_path from {source})"""


def _read_at(paths: list[str]) -> tuple[str, dict[str, str]]:
    """SQL that reads `event` at all paths at once, as text, and where in it each path's text is.

    Keys at the event's top are read into a struct, which takes less time than a list; DuckDB's structs know
    no difference of capitals, so that keys with no other difference are left to the list.
    """
    keys = [_TOP_KEY.fullmatch(path) for path in paths]
    names = [key[1] or key[2] for key in keys if key]
    if len({name.lower() for name in names}) < len(paths):
        listed = {path: f"at_path[{place}]" for place, path in enumerate(paths, start=1)}
        return f"json_extract_string(event, {_literal(paths)})", listed
    types = _literal("{" + ", ".join(f'"{name}": "VARCHAR"' for name in names) + "}")
    places = {path: f'at_path."{name}"' for path, name in zip(paths, names, strict=True)}
    return f"json_transform(event, {types})", places


def _column(provider: str, fields: dict, places: dict[str, str], column: str) -> str:
    """SQL of one raw field: the first of its paths that holds something."""
    found = []
    for path, pattern in fields.get(_FIELD_OF.get(column, column), []):
        value = f"nullif({places[path]}, '')"
        found.append(f"nullif(regexp_extract({value}, {_literal(pattern)}, 1), '')" if pattern else value)
    if not found:
        return "null"
    value = found[0] if len(found) == 1 else f"coalesce({', '.join(found)})"
    if column == "arguments":
        return f"case when json_valid({value}) then {value} end"
    # Mailgun writes one id sometimes with brackets and sometimes without
    return f"'<' || trim({value}, '<>') || '>'" if (provider, column) == ("mailgun", "message_id") else value


def _literal(value: str | list[str | None] | None) -> str:
    if value is None:
        return "null"
    if isinstance(value, list):
        return f"[{', '.join(_literal(one) for one in value)}]"
    return "'" + value.replace("'", "''") + "'"


@cache
def _fields(provider: str) -> dict[str, list[tuple[str, str]]]:
    """Field -> its (path, pattern)s, the first first."""
    fields: dict[str, list[tuple[str, str]]] = {}
    with _FIELDS.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            if row["provider"] == provider:
                fields.setdefault(row["field"], []).append((row["path"], row["pattern"]))
    return fields


# The words ----------------------------------------------------------------------------------------


def _words(found: Found, providers: list[str]) -> list[tuple[str, ...]]:
    """(provider, event, reason, event_type, reject_reason, is_machine) of some providers."""
    words = {
        (row["provider"], row["event"], row["reason"]): (
            *(row["event_type"], row["reject_reason"], row["is_machine"]),
        )
        for row in _packaged()
    }
    for provider, event, reason, event_type in _own(found):
        _, reject_reason, is_machine = words.get((provider, event, reason), ("", "", ""))
        words[provider, event, reason] = (event_type, reject_reason, is_machine)
    nobody = [("",) * 6]  # a batch without any event
    return [(*key, *value) for key, value in words.items() if key[0] in providers] or nobody


@cache
def _packaged() -> list[dict[str, str]]:
    with _WORDS.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _own(found: Found) -> Iterator[tuple[str, str, str, str]]:
    """(provider, event, reason, event_type) of the `events.yml` nearest to the file, if there is one."""
    settings = found.beside(SETTINGS)
    if not settings:
        return
    try:
        said = yaml.safe_load(settings.read_text(encoding="utf-8-sig")) or {}
        rows = [
            (provider, str(event), meant) for provider, own in said.items() for event, meant in own.items()
        ]
    except (yaml.YAMLError, UnicodeDecodeError, OSError, AttributeError) as error:
        raise Unreadable(
            f"cannot be read by its {SETTINGS}: write it as `sendgrid: {{open: opened}}`, in UTF-8"
        ) from error
    known = {row["provider"] for row in _packaged()}, {row["event_type"] for row in _packaged()}
    for provider, event, meant in rows:
        if provider not in known[0] or meant not in known[1]:
            raise Unreadable(
                f'cannot be read by its {SETTINGS}: "{provider}: {{{event}: {meant}}}" names a provider or'
                f" word that is not known; providers are {', '.join(sorted(known[0]))}, words"
                f" {', '.join(sorted(known[1]))}"
            )
        word, _, reason = event.lower().partition("/")
        yield provider, word, reason, meant


# Signatures ---------------------------------------------------------------------------------------


def is_signed_by_sendgrid(payload: bytes, timestamp: str, signature: str, public_key: str) -> bool:
    """Whether SendGrid has signed a webhook call.

    `payload` is the request's body byte by byte, `timestamp` and `signature` are its headers
    X-Twilio-Email-Event-Webhook-Timestamp and -Signature, `public_key` is the account's verification key
    (base64). ECDSA on P-256 with SHA-256 over timestamp and body; anything that cannot be read is False.
    Source: https://www.twilio.com/docs/sendgrid/for-developers/tracking-events/getting-started-event-webhook-security-features
    """
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    try:
        key = load_der_public_key(base64.b64decode(public_key, validate=True))
        if not isinstance(key, EllipticCurvePublicKey):
            return False
        signed = timestamp.encode() + payload
        key.verify(base64.b64decode(signature, validate=True), signed, ECDSA(SHA256()))
    except (ValueError, InvalidSignature):
        return False
    return True
