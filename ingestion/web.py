"""Web access logs in Apache's and nginx's combined format -> `raw_web.requests`.

    line -> cut at its quotes -> typed columns (UTC time, path and query apart, utm and mail token read out)

The optional last quoted field is the visitor cookie (`"%{ikusei}C"` in Apache, `"$cookie_ikusei"` in
nginx). Lines of the common format (no referrer, no user agent) pass too. A user agent that was cut before
its closing quote, as log shippers with a line limit do, still counts as a request.
Format: https://httpd.apache.org/docs/2.4/logs.html#combined
"""

import re

TABLES = ("requests",)

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_HEAD = r"^(\S+) \S+ (?:[^\[]*|.*?)\[([^\]]+)\] "
_LINE = (
    _HEAD + _QUOTED + r" (\d{3}) (\d+|-)"
    r'(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)\\?"?(?: "((?:[^"\\]|\\.)*)")?)?\s*$'
)
_REQUEST = r"^([A-Za-z]+) (?:[A-Za-z]+://[^/ ?]*)?([^ ?]*)(?:\?(\S*))?(?: HTTP/\S*)?$"
_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?([^/:?#]+)"
_COMPLETE = re.compile(
    r"^\S+ \S+ .*?\[[^\]]+\] "
    + _QUOTED
    + r" \d{3} (?:\d+|-) "
    + _QUOTED
    + " "
    + _QUOTED
    + "( "
    + _QUOTED
    + r")?\s*$"
)


def recognises(lines: list[str]) -> bool:
    """Whether the first lines of a file look like an access log (most of them begin as one)."""
    opening = re.compile(r'^\S+ \S+ .*?\[\d{1,2}/\w{3}/\d{4}:[^\]]+\] "')
    return bool(lines) and sum(bool(opening.match(line)) for line in lines) * 2 > len(lines)


def is_complete(line: str, previous: str | None) -> bool:
    """Whether a last line without a line end is certainly whole.

    A line that ends after the user agent's quote may still get its cookie: it is whole only where the line
    before has no cookie either.
    """
    match, before = _COMPLETE.match(line), _COMPLETE.match(previous or "")
    return bool(match) and (bool(match.group(4)) or not (before and before.group(4)))


def parse(table: str) -> str:
    """SQL of the parsed rows over `unread(line_number, text)`; `reason` says why a line is rejected.

    A line is first cut at its quotes, which takes a quarter of the time of the regular expression; the
    expression reads what cannot be cut so (a backslash before a quote, something odd).
    """
    return rf"""
        with cut as (
            select line_number, text,
                case when not contains(text, '\') then string_split(text, '"') else [] end as parts
            from unread where trim(text) <> ''
        ),
        plain as (
            select line_number, text, parts,
                case when len(parts) in (3, 6) or (len(parts) = 7 and trim(parts[7]) = '')
                    or (len(parts) = 9 and parts[7] = ' ' and trim(parts[9]) = '')
                then regexp_extract(parts[1], '{_HEAD}$', ['address', 'at']) end as head,
                regexp_extract(parts[3], '^ (\d{{3}}) (\d+|-)\s*$', ['status', 'bytes']) as answer
            from cut
        ),
        found as (
            select line_number, text,
                case when head.address <> '' and answer.status <> '' and coalesce(parts[5], ' ') = ' ' then
                    {{'address': head.address, 'at': head.at, 'request': parts[2], 'status': answer.status,
                        'bytes': answer.bytes, 'referrer': parts[4], 'agent': parts[6], 'visitor': parts[8]}}
                else regexp_extract(text, '{_LINE}',
                    ['address', 'at', 'request', 'status', 'bytes', 'referrer', 'agent', 'visitor'])
                end as line
            from plain
        ),
        asked as (
            select *,
                timezone('UTC', try_strptime(line.at, '%d/%b/%Y:%H:%M:%S %z')) as occurred_at,
                regexp_extract(line.request, '{_REQUEST}', ['method', 'path', 'query']) as request
            from found
        ),
        named as (
            select *, cell(line.referrer) as referrer, cell(request.query) as query from asked
        )
        select
            line_number, text as content, null as provider_id,
            case
                when line.address = ''
                    then 'the line is not in the combined log format: check that the file is'
                    || ' an access log written with the LogFormat named combined, whole lines only'
                when occurred_at is null then bad('the time', line.at)
            end as reason,
            case when reason is not null then text end as text,
            cell(line.address) as client_address,
            cell(line.visitor) as visitor_id,
            occurred_at,
            cell(request.method) as method,
            cell(request.path) as path,
            query,
            try_cast(line.status as integer) as status,
            try_cast(line.bytes as bigint) as bytes,
            referrer,
            cell(line.agent) as user_agent,
            cell(lower(regexp_extract(referrer, '{_HOST}', 1))) as referrer_host,
            parameter(query, 'utm_source') as utm_source,
            parameter(query, 'utm_medium') as utm_medium,
            parameter(query, 'utm_campaign') as utm_campaign,
            parameter(query, 'utm_term') as utm_term,
            parameter(query, 'mid') as mail_token
        from named"""
