"""The ways in which web servers write their access logs -> one SQL reading each.

    combined family · a format string (`log_format`) · JSON (nginx, Caddy, Traefik) · W3C extended (IIS,
    CloudFront) · ALB -> LogStyle: where the lines come apart and which piece means what

Combined: https://httpd.apache.org/docs/2.4/logs.html#combined · W3C: https://www.w3.org/TR/WD-logfile.html
CloudFront: https://docs.aws.amazon.com/AmazonCloudFront/latest/DeveloperGuide/standard-logs-reference.html
ALB: https://docs.aws.amazon.com/elasticloadbalancing/latest/application/load-balancer-access-logs.html
Caddy: https://caddyserver.com/docs/logging · Traefik: https://doc.traefik.io/traefik/observe/logs-and-access-logs/
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from json import loads

from ingestion.log_format import CLF, Format, NotAFormat, Piece

QUOTED = r'"((?:[^"\\]|\\.)*)"'
FILLED = "(strlen(text) > 60 or trim(text) <> '')"  # trimming every line takes as long as cutting it


@dataclass(frozen=True)
class LogStyle:
    """How lines are read: `source` is SQL that cuts `unread` into pieces (line_number, text and more).

    `values` says in SQL over it what the log holds, by meaning: address, forwarded, remote_user, host, stamp,
    request or method with target or with path and query, status, bytes, referrer, agent, visitor, cookies.
    """

    name: str
    source: str
    values: Mapping[str, str]
    occurred_at: str
    is_read: str
    mend: str
    has_offset: bool = True  # the time of a line is the same whatever the company's zone
    is_whole: Callable[[str, str | None], bool] = field(default=lambda line, previous: False)


# The combined family --------------------------------------------------------------------------------

_HEAD = r"(\S+) [^\[]*\[([^\]]+)\] "
_ODD_HEAD = r"(\S+) \S+ .*?\[([^\]]+)\] "
_REST = (
    QUOTED + r" (\d{3}) (\d+|-)"
    r'(?: "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)\\?"?(?: "((?:[^"\\]|\\.)*)")?)?\s*$'
)
_COMPLETE = re.compile(
    rf"^\S+ \S+ .*?\[[^\]]+\] {QUOTED} \d{{3}} (?:\d+|-) {QUOTED} {QUOTED}( {QUOTED})?\s*$"
)


def combined(has_host: bool = False) -> LogStyle:
    r"""Common and combined lines, with an optional quoted cookie at the end; vhost_combined if `has_host`.

    A line is first cut at its quotes, which takes a quarter of the time of the one regular expression; the
    expression reads what cannot be cut so: a `\"` in a field, an odd user name, and a user agent that was
    cut before its closing quote, as log shippers with a line limit do.
    """
    host, names = (r"(\S+) ", ["host"]) if has_host else ("", [])
    heads = [*names, "address", "stamp"]
    all_names = [*heads, "request", "status", "bytes", "referrer", "agent", "visitor"]
    cut = {name: f"head.{name}" for name in heads} | {
        **{"request": "parts[2]", "status": "answer.status", "bytes": "answer.bytes"},
        **{"referrer": "parts[4]", "agent": "parts[6]", "visitor": "parts[8]"},
    }
    pieces = ", ".join(f"coalesce(odd.{name}, {value}) as {name}" for name, value in cut.items())
    source = rf"""
        select line_number, text, {pieces}
        from (
            select *, case
                when contains(text, '\') or head.address = '' or answer.status = '' or not (
                    len(parts) = 3
                    or len(parts) = 7 and parts[5] = ' ' and trim(parts[7]) = ''
                    or len(parts) = 9 and parts[5] = ' ' and parts[7] = ' ' and trim(parts[9]) = '')
                then regexp_extract(text, '^{host}{_ODD_HEAD}{_REST}', {all_names}) end as odd
            from (
                select line_number, text, parts, regexp_extract(parts[1], '^{host}{_HEAD}$', {heads}) as head,
                    regexp_extract(parts[3], '^ (\d{{3}}) (\d+|-)\s*$', ['status', 'bytes']) as answer
                from (
                    select line_number, text, string_split(text, '"') as parts from unread where {FILLED})
            )
        )"""
    values = {name: name for name in all_names}
    if has_host:
        values["host"] = r"regexp_replace(host, ':\d+$', '')"
    name = "vhost_combined" if has_host else "combined"
    return LogStyle(
        name,
        source,
        values,
        _strptime("stamp", CLF),
        "address <> ''",
        f"the line is not in the {name} log format: check that the file is an access log written with the"
        f" LogFormat named {name}, whole lines only, or write its own log_format into format.yml beside it",
        is_whole=_combined_is_whole,
    )


def _combined_is_whole(line: str, previous: str | None) -> bool:
    """A line that ends after the user agent's quote may still get its cookie: it is whole only where the line
    before has no cookie either.
    """
    match, before = _COMPLETE.match(line), _COMPLETE.match(previous or "")
    return bool(match) and (bool(match.group(4)) or not (before and before.group(4)))


# A format string ------------------------------------------------------------------------------------


def of_format(format_: Format, name: str, visitor_cookie: str | None) -> LogStyle:
    """The style of a compiled Apache or nginx format. Raises NotAFormat if it tells no time."""
    used = [piece for piece in format_.pieces if piece.meaning]
    if visitor_cookie:
        used = [piece for piece in used if piece.meaning != "visitor" or piece.name == visitor_cookie]
    groups = {id(piece): f"line.g{place}" for place, piece in enumerate(used)}
    expression = format_.expression(used).replace("'", "''")
    listed = ", ".join(f"'g{place}'" for place in range(len(used)))
    by_meaning: dict[str, list[Piece]] = {}
    for piece in sorted(used, key=lambda piece: piece.rank):
        by_meaning.setdefault(piece.meaning or "", []).append(piece)
    if not (stamps := by_meaning.get("stamp")):
        raise NotAFormat("it writes no time: add %t or $time_local")
    values = {
        meaning: _first([groups[id(piece)] for piece in pieces]) for meaning, pieces in by_meaning.items()
    }
    occurred_at, values["stamp"], has_offset = _of_stamps(stamps, groups)
    return LogStyle(
        name,
        f"""
        select line_number, text, regexp_extract(text, '{expression}', [{listed}]) as line
        from unread where {FILLED}""",
        values,
        occurred_at,
        "stamp <> ''",
        "the line is not in the log_format that is given for it: compare the line with the format in"
        " format.yml, whole lines only",
        has_offset,
    )


def _first(values: list[str]) -> str:
    return values[0] if len(values) == 1 else f"coalesce({', '.join(f'cell({value})' for value in values)})"


def _of_stamps(pieces: list[Piece], groups: dict[int, str]) -> tuple[str, str, bool]:
    """SQL of the time, SQL of its text, and whether it names its offset; times in pieces are put together."""
    whole = [piece for piece in pieces if piece.shape in (CLF, "iso", "sec", "msec", "usec")]
    if whole:
        chosen, value = whole[0], groups[id(whole[0])]
        if chosen.shape == CLF:
            return _strptime(value, CLF), value, True
        if chosen.shape == "iso":
            return f"moment({value})", value, True
        scale = {"sec": 1_000_000, "msec": 1000, "usec": 1}[chosen.shape]
        return f"make_timestamp(try_cast(try_cast({value} as double) * {scale} as bigint))", value, True
    spelled = [piece for piece in pieces if not piece.shape.endswith("_frac")]
    if not spelled:
        raise NotAFormat("it writes parts of a second only: add %t")
    text = " || ' ' || ".join(groups[id(piece)] for piece in spelled)
    time = _strptime(f"({text})", " ".join(piece.shape for piece in spelled))
    for piece in pieces:
        if piece.shape.endswith("_frac"):
            unit = "milliseconds" if piece.shape == "msec_frac" else "microseconds"
            time = f"({time} + to_{unit}(coalesce(try_cast({groups[id(piece)]} as integer), 0)))"
    return time, f"trim({text})", any("%z" in piece.shape for piece in spelled)


def _strptime(value: str, shape: str) -> str:
    """SQL of a time in UTC; one without an offset is of the company's zone.

    A time with its offset is an instant already, which is written without asking what UTC is, row by row.
    """
    read = f"try_strptime({value}, '{shape}')"
    if "%z" in shape:
        return f"make_timestamp(epoch_us({read}))"
    return f"timezone('UTC', timezone(getvariable('zone'), {read}))"


# JSON -----------------------------------------------------------------------------------------------

_JSON_KEYS: dict[str, tuple[str, ...]] = {
    "address": (
        *("remote_addr", "request.client_ip", "request.remote_ip", "ClientHost", "ClientAddr"),
        *("remote_ip", "client_ip", "clientip", "client", "request.remote_addr"),
    ),
    "forwarded": (
        *("http_x_forwarded_for", "x_forwarded_for", "request.headers.X-Forwarded-For.0"),
        *("request_X-Forwarded-For", "forwarded_for"),
    ),
    "remote_user": ("remote_user", "user_id", "ClientUsername"),
    "host": ("host", "http_host", "request.host", "RequestHost", "server_name", "vhost"),
    "stamp": (
        *("time_iso8601", "time_local", "ts", "StartUTC", "@timestamp", "timestamp", "msec", "time"),
        "StartLocal",
    ),
    "request": ("request",),
    "method": ("request_method", "request.method", "RequestMethod", "method"),
    "target": ("request_uri", "request.uri", "RequestPath", "uri", "path"),
    "query": ("args", "query_string"),
    "status": ("status", "DownstreamStatus", "status_code"),
    "bytes": ("body_bytes_sent", "bytes_sent", "size", "DownstreamContentSize", "bytes"),
    "referrer": (
        *("http_referer", "http_referrer", "request.headers.Referer.0", "request_Referer", "referer"),
        "referrer",
    ),
    "agent": ("http_user_agent", "request.headers.User-Agent.0", "request_User-Agent", "user_agent"),
    "cookies": ("http_cookie", "request.headers.Cookie.0", "request_Cookie"),
}
"""Where the fields of nginx (by their variables), Caddy and Traefik stand, the first that is there counts."""


def json(fields: Mapping[str, str], visitor_cookie: str) -> LogStyle:
    """One JSON object a line; `fields` (meaning -> key, dots go deeper) come before the known keys."""
    keys = {
        meaning: (*([fields[meaning]] if meaning in fields else []), *known)
        for meaning, known in {**_JSON_KEYS, "visitor": (f"cookie_{visitor_cookie}",)}.items()
    }
    paths = [(meaning, _json_path(key)) for meaning, found in keys.items() for key in found]
    listed = ", ".join(f"'{path}'" for _, path in paths).replace("{", "{{").replace("}", "}}")
    values = {
        meaning: f"coalesce({', '.join([*places, 'null'])})"
        for meaning in keys
        if (places := [f"found[{at}]" for at, (of, _) in enumerate(paths, start=1) if of == meaning])
    }
    # a request that is an object (Caddy) is no request line
    values["request"] = f"case when {values['request']} not like '{{%' then {values['request']} end"
    values["address"] = f"bare({values['address']})"
    return LogStyle(
        "json",
        f"""
        select line_number, text,
            case when json_valid(text) and json_type(text) = 'OBJECT'
                then json_extract_string(text, [{listed}]) end as found
        from unread where {FILLED}""",
        values,
        "instant(stamp)",
        "stamp <> '' and found is not null",
        "the line is not a JSON object with a time: write one whole object a line, or name the key of the"
        " time in format.yml beside the file (fields: {stamp: ...})",
        is_whole=_is_object,
    )


def _is_object(line: str, previous: str | None) -> bool:
    """An object that closes cannot go on."""
    try:
        return isinstance(loads(line), dict)
    except (ValueError, RecursionError):
        return False


def _json_path(key: str) -> str:
    """JSON path of a key as people write it: dots go deeper, a number is a place in a list from 0."""
    steps = [f"[{step}]" if step.isdigit() else f'."{step}"' for step in key.replace("'", "''").split(".")]
    return "$" + "".join(steps)


# W3C extended ---------------------------------------------------------------------------------------

_W3C: dict[str, tuple[str, ...]] = {
    "address": ("c-ip",),
    "forwarded": ("x-forwarded-for", "cs(x-forwarded-for)"),
    "remote_user": ("cs-username",),
    "host": ("x-host-header", "cs-host", "cs(host)"),
    "method": ("cs-method",),
    "target": ("cs-uri",),
    "path": ("cs-uri-stem",),
    "query": ("cs-uri-query",),
    "status": ("sc-status",),
    "bytes": ("sc-bytes",),
    "referrer": ("cs(referer)",),
    "agent": ("cs(user-agent)",),
    "cookies": ("cs(cookie)",),
}


def w3c(fields: Sequence[str], separator: str) -> LogStyle:
    r"""Lines under a `#Fields:` line: `fields` in its order, `separator` a blank (IIS) or a tab (CloudFront).

    Raises NotAFormat without date and time. IIS writes `+` for a blank, CloudFront percent signs, in texts.
    """
    names = [name.lower() for name in fields]
    place = {name: f"parts[{at}]" for at, name in enumerate(names, start=1)}
    if not {"date", "time"} <= set(names):
        raise NotAFormat("its #Fields line has no date and time: switch both on in the server's log settings")
    values = {
        meaning: _first([place[name] for name in known if name in place])
        for meaning, known in _W3C.items()
        if any(name in place for name in known)
    }
    undone = (
        "replace({}, '+', ' ')"
        if separator == " "
        else "coalesce(try(url_decode(replace({0}, '%25', '%'))), {0})"
    )
    for meaning in ("agent", "cookies", *(["referrer"] if separator == "\t" else [])):
        if meaning in values:
            values[meaning] = undone.format(values[meaning])
    values["stamp"] = f"{place['date']} || ' ' || {place['time']}"
    return LogStyle(
        "w3c",
        f"""
        select line_number, text, string_split(text, '{separator}') as parts
        from unread where {FILLED} and text[1] <> '#'""",
        values,
        "try_cast(stamp as timestamp)",
        f"len(parts) = {len(names)}",
        f"the line has not the {len(names)} fields that its #Fields line names: send the whole line again",
    )


def field_names(line: str) -> list[str] | None:
    """The names of a `#Fields:` line; None of another line."""
    return line.partition(":")[2].split() if line.lower().startswith("#fields:") else None


# ALB ------------------------------------------------------------------------------------------------

_ALB = (
    r"^[a-z0-9]+ (\S+) \S+ (\S+) \S+ \S+ \S+ \S+ (\d{3}|-) (?:\d{3}|-) (?:\d+|-) (\d+|-) "
    + QUOTED
    + " "
    + QUOTED
)


def alb() -> LogStyle:
    """Lines of an AWS Application Load Balancer."""
    names = ["stamp", "client", "status", "bytes", "request", "agent"]
    values = {name: f"line.{name}" for name in names} | {"address": "bare(line.client)"}
    values["host"] = r"regexp_extract(line.request, '^\S+ [a-z]+://([^/: ]+)', 1)"
    return LogStyle(
        "alb",
        f"""
        select line_number, text, regexp_extract(text, '{_ALB}', {names}) as line
        from unread where {FILLED}""",
        values,
        "moment(stamp)",
        "stamp <> ''",
        "the line is not of a load balancer's access log as the ones before it: send the whole line again",
    )
