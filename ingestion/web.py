"""Web access logs in Apache's and nginx's combined format -> `raw_web.requests`.

    line -> one regular expression -> typed columns (UTC time, path and query apart, utm and mail token read out)

The optional last quoted field is the visitor cookie (`"%{ikusei}C"` in Apache, `"$cookie_ikusei"` in nginx). Lines of
the common format (no referrer, no user agent) pass too. A user agent that was cut before its closing quote, as log
shippers with a line limit do, still counts as a request.
Format: https://httpd.apache.org/docs/2.4/logs.html#combined
"""

import re

TABLES = ("requests",)

_QUOTED = r'"((?:[^"\\]|\\.)*)"'
_LINE = (
    r"^(\S+) \S+ .*?\[([^\]]+)\] " + _QUOTED + r" (\d{3}) (\d+|-)"
    r'(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)\\?"?(?: "((?:[^"\\]|\\.)*)")?)?\s*$'
)
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

    A line that ends after the user agent's quote may still get its cookie: it is whole only where the line before
    has no cookie either.
    """
    match, before = _COMPLETE.match(line), _COMPLETE.match(previous or "")
    return bool(match) and (bool(match.group(4)) or not (before and before.group(4)))


def parse(table: str) -> str:
    """SQL of the parsed rows over `batch(line_number, text)`; `reason` says why a line is rejected."""
    return rf"""
        with found as materialized (
            select line_number, text, regexp_extract(text, '{_LINE}',
                ['address', 'at', 'request', 'status', 'bytes', 'referrer', 'agent', 'visitor']) as line
            from batch where trim(text) <> ''
        ),
        split as materialized (
            select *,
                timezone('UTC', try_strptime(line.at, '%d/%b/%Y:%H:%M:%S %z')) as occurred_at,
                regexp_extract(line.request, '^([A-Za-z]+) (?:[A-Za-z]+://[^/ ?]*)?([^ ?]*)(?:\?(\S*))?(?: HTTP/\S*)?$',
                    ['method', 'path', 'query']) as request
            from found
        )
        select
            line_number, text as content, null as provider_id,
            case
                when line.address = '' then 'the line is not in the combined log format: check that the file is an access'
                    || ' log written with the LogFormat named combined, whole lines only'
                when occurred_at is null then bad('the time', line.at)
            end as reason,
            case when reason is not null then text end as text,
            cell(line.address) as client_address,
            cell(line.visitor) as visitor_id,
            occurred_at,
            cell(request.method) as method,
            cell(request.path) as path,
            cell(request.query) as query,
            try_cast(line.status as integer) as status,
            try_cast(line.bytes as bigint) as bytes,
            cell(line.referrer) as referrer,
            cell(line.agent) as user_agent,
            cell(lower(regexp_extract(line.referrer, '^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?([^/:?#]+)', 1))) as referrer_host,
            parameter(request.query, 'utm_source') as utm_source,
            parameter(request.query, 'utm_medium') as utm_medium,
            parameter(request.query, 'utm_campaign') as utm_campaign,
            parameter(request.query, 'utm_term') as utm_term,
            parameter(request.query, 'mid') as mail_token
        from split"""
