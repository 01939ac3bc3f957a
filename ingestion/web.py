"""Web access logs -> `raw_web.requests`.

    file -> its style (format.yml beside it or above, else told by its first lines) -> pieces of a line ->
    typed columns (UTC time, path and query apart, client behind the proxies, utm and mail token read out)

`format.yml` lies in the folder of the stream or in one above it, and says what the lines cannot:

    log_format: '%v:%p %h %l %u %t "%r" %>s %b'      # the server's own string; or one of
                                                      # combined, vhost_combined, json, w3c, alb
    visitor_cookie: ikusei                            # the visitor's cookie, where several are logged
    trusted_proxies: [10.0.0.0/8, 203.0.113.7]        # their X-Forwarded-For is believed
    fields: {stamp: "@time", agent: http.ua}          # keys of JSON lines, where they are not the usual ones

The optional last quoted field of a combined line is the visitor cookie (`"%{ikusei}C"` in Apache,
`"$cookie_ikusei"` in nginx). `path` is made readable, `path_raw` is there when that changed it.
"""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import yaml

from ingestion import files, web_formats, web_text
from ingestion.files import Snapshot, Unreadable
from ingestion.log_format import NotAFormat, compiled
from ingestion.web_formats import LogStyle
from ingestion.web_text import TRUSTED

TABLES = ("requests",)
CLOCK = "occurred_at"
"""The column that a line settles by itself, unless its format leaves the offset to the company's zone."""
SETTINGS = "format.yml"
"""Name of the file that says how the logs beside it are written; it is no log itself."""

_REQUEST = r"^([A-Za-z]+) (?:[A-Za-z]+://[^/ ?]*)?([^ ?]*)(?:\?(\S*))?(?: HTTP/\S*)?$"
_HOST = r"^[A-Za-z][A-Za-z0-9+.-]*://(?:[^/@]*@)?([^/:?#]+)"
_OPENING = re.compile(r'^\S+ \S+ .*?\[\d{1,2}/\w{3}/\d{4}:[^\]]+\] "')
_VHOST_OPENING = re.compile(r"^[^\s\[]+ [^\s\[]*[.:][^\s\[]* \S+ .*?\[\d{1,2}/\w{3}/\d{4}:[^\]]+\] \"")
_ALB_OPENING = re.compile(r"^(?:https?|h2|grpcs?|wss?) \d{4}-\d\d-\d\dT\S+ \S+ \S+:\d+ ")
_MEANINGS = (
    *("address", "forwarded", "remote_user", "host", "stamp", "request", "method", "target", "path"),
    *("query", "status", "bytes", "referrer", "agent", "visitor", "cookies"),
)


@dataclass(frozen=True)
class Settings:
    """What a `format.yml` says; all of it may be absent."""

    log_format: str = ""
    visitor_cookie: str | None = None  # None: the first one that is logged

    trusted_proxies: str = TRUSTED
    fields: dict[str, str] = field(default_factory=dict, hash=False)

    @property
    def cookie(self) -> str:
        """The cookie to look for where a log holds all cookies."""
        return self.visitor_cookie or "ikusei"


def settings(text: str, where: str) -> Settings:
    """The settings in a `format.yml`. Raises Unreadable with file, line and mend."""
    try:
        said = yaml.safe_load(text) or {}
        if not isinstance(said, dict):
            raise ValueError("it has no keys")
        if unknown := sorted(set(said) - {"log_format", "visitor_cookie", "trusted_proxies", "fields"}):
            raise ValueError(f"{unknown[0]} is no key of it")
        if strange := sorted(set(said.get("fields") or {}) - set(_MEANINGS)):
            raise ValueError(f"fields: {strange[0]} is no field; choose from {', '.join(_MEANINGS)}")
        proxies = said.get("trusted_proxies")
        networks = [str(ipaddress.ip_network(str(one), strict=False)) for one in proxies or ()]
        return Settings(
            str(said.get("log_format") or ""),
            said.get("visitor_cookie") and str(said["visitor_cookie"]),
            TRUSTED if proxies is None else ",".join(networks),
            {str(key): str(value) for key, value in (said.get("fields") or {}).items()},
        )
    except (yaml.YAMLError, ValueError, TypeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        why = getattr(error, "problem", None) or str(error)
        raise Unreadable(f"waits for its settings: {where}{line}: {why}: mend that file") from error


def recognises(lines: list[str]) -> bool:
    """Whether the first lines of a file look like an access log that needs no settings."""
    try:
        return told_by(lines, Settings()) is not None
    except Unreadable:
        return False


def told_by(lines: list[str], said: Settings) -> LogStyle | None:
    """The style of a file by its first lines; None if they look like no access log."""
    filled = [line for line in lines if line.strip()]
    if any(web_formats.field_names(line) for line in filled[:5]):
        return _w3c_style(filled)
    if _mostly(re.compile(r'^\s*\{"'), filled) and _names_a_request(filled):
        return web_formats.json(said.fields, said.cookie)
    if _mostly(_ALB_OPENING, filled):
        return web_formats.alb()
    if _mostly(_VHOST_OPENING, filled):
        return web_formats.combined(has_host=True)
    return web_formats.combined() if _mostly(_OPENING, filled) else None


def _mostly(opening: re.Pattern, lines: list[str]) -> bool:
    return bool(lines) and sum(bool(opening.match(line)) for line in lines) * 2 > len(lines)


def _names_a_request(lines: list[str]) -> bool:
    return _mostly(re.compile(r'.*"(?:request|request_uri|RequestPath|request_method|uri)"\s*:'), lines)


def _w3c_style(lines: list[str]) -> LogStyle:
    names = next(names for line in lines if (names := web_formats.field_names(line)))
    return w3c_style(names, next((line for line in lines if line[:1] != "#"), ""))


def w3c_style(names: list[str], line: str) -> LogStyle:
    """The style of lines below a `#Fields:` line with these names, such as `line`."""
    try:
        return web_formats.w3c(names, "\t" if "\t" in line else " ")
    except NotAFormat as error:
        raise Unreadable(f"cannot be used: {error}") from error


def style_of(looked: Snapshot) -> tuple[Settings, LogStyle]:
    """The settings beside a file and how its lines are written. Raises Unreadable for wrong settings."""
    beside = looked.found.beside(SETTINGS)
    said = settings(beside.read_text("utf-8", "replace"), beside.name) if beside else Settings()
    with files.opened(looked) as stream:
        return said, style(said, files.start_of(stream).splitlines()[:20])


def parts(lines: pa.Table, how: LogStyle) -> Iterator[tuple[pa.Table, LogStyle]]:
    """The lines with the style that holds for them: a W3C log may name its fields anew at any line."""
    if how.name != "w3c":
        yield lines, how
        return
    text, begin = lines["text"], 0
    for at in pc.indices_nonzero(pc.starts_with(text, "#Fields:", ignore_case=True)).to_pylist():
        if at > begin:
            yield lines.slice(begin, at - begin), how
        after = next((line for line in text[at + 1 : at + 50].to_pylist() if line[:1] != "#"), " ")
        how, begin = w3c_style(web_formats.field_names(text[at].as_py()) or [], after), at
    yield lines.slice(begin), how


def style(said: Settings, lines: list[str]) -> LogStyle:
    """How a file is written: as its settings say, else as its first lines look, else combined."""
    if said.log_format in ("", "w3c"):
        return told_by(lines, said) or (
            web_formats.json(said.fields, said.cookie) if said.fields else web_formats.combined()
        )
    if said.log_format in ("combined", "common", "vhost_combined"):
        return web_formats.combined(said.log_format == "vhost_combined")
    if said.log_format == "json":
        return web_formats.json(said.fields, said.cookie)
    if said.log_format == "alb":
        return web_formats.alb()
    try:
        return web_formats.of_format(compiled(said.log_format), "log_format", said.visitor_cookie)
    except NotAFormat as error:
        raise Unreadable(
            f"waits for its settings: the log_format in {SETTINGS} cannot be used: {error}"
        ) from error


def parse(table: str, how: LogStyle | None = None, said: Settings | None = None) -> str:
    """SQL of the parsed rows over `unread(line_number, text)`; `reason` says why a line is rejected."""
    how, said = how or _combined(), said or Settings()
    values = dict(how.values)
    if "cookies" in values:
        pattern = rf"(?:^|;[+ ]*){re.escape(said.cookie)}=([^;]*)".replace("'", "''")
        named = f"regexp_extract({values['cookies']}, '{pattern}', 1)"
        values["visitor"] = f"coalesce(cell({values['visitor']}), {named})" if "visitor" in values else named
    pieces = ", ".join(f"{values.get(name, 'null')} as {name}" for name in _MEANINGS if name != "cookies")
    mend = how.mend.replace("'", "''")
    return rf"""
        with pieces as (
            select line_number, text, {pieces}, {_over(how.is_read, values)} as is_read,
                {_over(how.occurred_at, values)} as occurred_at
            from ({how.source})
        ),
        asked as (
            select *, {_asked(values)} from pieces
        ),
        named as (
            select *, plain({_path(values)}) as path_raw, plain({_query(values)}) as query_plain,
                plain(referrer) as referrer_plain
            from asked
        ),
        told as (
            select *, {", ".join(f"given(query_plain, '{name}') as {name}_given" for name in _TOLD)}
            from named
        ),
        decoded as (
            select *, {", ".join(f"undone({name}_given) as {name}_told" for name in _TOLD)} from told
        )
        select
            line_number, text as content, null as provider_id,
            case
                when is_read is not true then '{mend}'
                when occurred_at is null then bad('the time', stamp)
            end as reason,
            case when reason is not null then text end as text,
            {_client(values, said)} as client_address,
            plain(visitor) as visitor_id,
            occurred_at,
            cell({_method(values)}) as method,
            readable(path_raw) as path,
            if(contains(path_raw, '%'), nullif(path_raw, readable(path_raw)), null) as path_raw,
            query_plain as query,
            try_cast(status as integer) as status,
            try_cast(bytes as bigint) as bytes,
            referrer_plain as referrer,
            plain(agent) as user_agent,
            host_of(referrer_plain) as referrer_host,
            {", ".join(f"code({name}_told) as {'mail_token' if name == 'mid' else name}" for name in _TOLD)},
            lower(cell(host)) as host,
            cell(remote_user) as remote_user
        from decoded"""


_TOLD = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "mid")
"""Parameters of a query that get columns of their own: cut out, undone and trimmed step by step, since an
expression inside another's condition would be computed again for each time it stands there."""
MACROS = (
    r"plain(x) as if(contains(x, '\'), cell(unescaped(x)), cell(x))",
    "readable(x) as if(contains(x, '%'), percent_decoded(x), x)",
    f"host_by_pattern(x) as cell(lower(regexp_extract(x, '{_HOST}', 1)))",
    # a host with nothing about it, as nearly all are, is cut out faster than matched
    "host_of(x) as case when x is null then null"
    " when regexp_matches(x, '^https?://[a-z0-9.-]+(/|$)') then split_part(x, '/', 3)"
    " else host_by_pattern(x) end",
    "given(query, name) as if(contains(query, name || '='),"
    " regexp_extract(query, '(?:^|[&;?])' || name || '=([^&;#]*)', 1), null)",
    "undone(x) as if(contains(x, '%') or contains(x, '+'), try(url_decode(replace(x, '+', ' '))), x)",
    "instant(x) as case"
    r" when regexp_matches(x, '^\d+(\.\d+)?$') then make_timestamp(try_cast(try_cast(x as double)"
    " * case when strlen(split_part(x, '.', 1)) >= 19 then 0.001"
    " when strlen(split_part(x, '.', 1)) >= 16 then 1"
    " when strlen(split_part(x, '.', 1)) >= 13 then 1000 else 1000000 end as bigint))"
    r" when regexp_matches(x, '^\d{1,2}/\w{3}/\d{4}:') then"
    " timezone('UTC', try_strptime(x, '%d/%b/%Y:%H:%M:%S %z'))"
    " else moment(x) end",
)
"""Words of this module's SQL; each takes the quick way where a text has nothing odd in it."""


def define(con: duckdb.DuckDBPyConnection) -> None:
    """Makes the words of this module's SQL known to the connection."""
    web_text.define(con)
    for macro in MACROS:
        con.execute(f"create or replace temp macro {macro}")


@cache
def _combined() -> LogStyle:
    return web_formats.combined()


def _over(expression: str, values: dict[str, str]) -> str:
    """A style's expression with `stamp` meaning what it means there."""
    return re.sub(r"(?<![.\w])stamp(?!\w)", lambda _: f"({values['stamp']})", expression)


def _asked(values: dict[str, str]) -> str:
    """SQL of the target, and of the request line's pieces (`way`) where blanks do not part it simply."""
    if "request" not in values:
        return "target as aim"
    is_plain = r"request like 'GET /% HTTP/_._' and len(string_split(request, ' ')) = 3"
    if "target" in values or "path" in values:
        is_plain = "false"
    return f"""split_part(request, ' ', 2) as aim,
                case when not coalesce({is_plain}, false)
                    then regexp_extract(coalesce(request, ''), '{_REQUEST}', ['method', 'path', 'query'])
                end as way"""


def _method(values: dict[str, str]) -> str:
    """SQL of the method."""
    if "request" not in values:
        return "method"
    if "method" in values:
        return "coalesce(nullif(way.method, ''), method)"
    return "way.method" if "target" in values or "path" in values else "if(way is null, 'GET', way.method)"


def _path(values: dict[str, str]) -> str:
    """SQL of the path: of the request line, else of the log's own fields."""
    own = "coalesce(cell(path), split_part(target, '?', 1))"
    if "request" not in values:
        return own
    if "target" in values or "path" in values:
        return f"coalesce(nullif(way.path, ''), {own})"
    return "if(way is null, split_part(aim, '?', 1), way.path)"


def _query(values: dict[str, str]) -> str:
    """SQL of the query, without its question mark."""
    own = "coalesce(ltrim(cell(query), '?'), substr(target, 2 + length(split_part(target, '?', 1))))"
    if "request" not in values:
        return own
    if "target" in values or "path" in values:
        return f"if(coalesce(way.path, '') <> '', way.query, {own})"
    return "if(way is null, substr(aim, 2 + length(split_part(aim, '?', 1))), way.query)"


def _client(values: dict[str, str], said: Settings) -> str:
    """SQL of the client's address: the peer's, or the one behind the trusted proxies."""
    if "forwarded" not in values:
        return "cell(address)"
    return (
        "if(cell(forwarded) is null, cell(address),"
        f" client_of(cell(address), forwarded, '{said.trusted_proxies}'))"
    )
