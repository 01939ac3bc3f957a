"""An access log's own format string, of Apache or nginx -> one regular expression and what its groups mean.

    '%h %l %u %t "%r" %>s %b'  or  '$remote_addr - $remote_user [$time_local] ...' -> compiled() -> Format

The expression is written in what RE2 (DuckDB) and Python's `re` share. A directive that Ikusei has no use
for is still read, so that the ones after it stand right.
Apache: https://httpd.apache.org/docs/2.4/mod/mod_log_config.html#formats
nginx: https://nginx.org/en/docs/http/ngx_http_log_module.html#log_format
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache


class NotAFormat(Exception):
    """A format string that cannot be used; the message says what is wrong with it."""


@dataclass(frozen=True)
class Piece:
    """A directive of the format: what it means here and how its value is written.

    The value is `inner` between `before` and `after`; `shape` says how a time is written: a strptime format,
    or 'iso', 'sec', 'msec', 'usec', 'msec_frac', 'usec_frac'.
    """

    directive: str
    meaning: str | None
    before: str
    inner: str
    after: str
    shape: str = ""
    name: str = ""  # of a header or cookie
    rank: int = 0  # of two directives that mean one thing the lower rank is preferred

    def pattern(self, is_captured: bool) -> str:
        """The piece as a regular expression with one group or none."""
        return f"(?:{self.before}{'(' if is_captured else '(?:'}{self.inner}){self.after}|-)"


@dataclass(frozen=True)
class Format:
    """A compiled format: its literal texts and pieces in order."""

    parts: tuple[str | Piece, ...]

    @property
    def pieces(self) -> tuple[Piece, ...]:
        """The directives, in order."""
        return tuple(part for part in self.parts if isinstance(part, Piece))

    def expression(self, captured: Collection[Piece]) -> str:
        """One regular expression of a whole line with a group for each captured piece, in their order."""
        return (
            "^"
            + "".join(
                part.pattern(any(part is piece for piece in captured))
                if isinstance(part, Piece)
                else _literal(part)
                for part in self.parts
            )
            + r"\s*$"
        )

    def read(self, line: str) -> list[tuple[Piece, str | None]] | None:
        """The value of every directive in a line, escapes left as they are; None where the line does not fit.

        A value that the server wrote as `-` is None.
        """
        found = re.match(self.expression(self.pieces), line)
        if not found:
            return None
        values = [None if value in (None, "-") else value.replace('""', "") for value in found.groups()]
        return list(zip(self.pieces, values, strict=True))


@cache
def compiled(text: str) -> Format:
    """The format of a string as it stands in the server's configuration. Raises NotAFormat."""
    plain = _string_of(text)
    parts = _nginx(plain) if re.search(r"\$\{?[a-z]", plain) else _apache(plain)
    if not any(isinstance(part, Piece) for part in parts):
        raise NotAFormat("it has no directive such as %h or $remote_addr")
    return Format(tuple(_joined(parts)))


def _string_of(text: str) -> str:
    """The string itself, out of a whole line of configuration (`LogFormat "..."`, `log_format x '...';`)."""
    text = text.strip()
    if text.lower().startswith("logformat"):
        found = re.match(r'\w+\s+"((?:[^"\\]|\\.)*)"', text)
        text = found[1] if found else text
    elif text.startswith("log_format"):
        text = "".join(piece[1] for piece in re.finditer(r"'((?:[^'\\]|\\.)*)'", text)) or text
    return re.sub(r'\\(["\\tn])', lambda sign: {"t": "\t", "n": "\n"}.get(sign[1], sign[1]), text)


def _literal(text: str) -> str:
    """A text that stands for itself."""
    return re.sub(r"([^\w\s])", r"\\\1", text).replace("\t", r"\t")


def _joined(parts: list[str | Piece]) -> list[str | Piece]:
    """The parts with quoted values read to their quote, over escaped quotes."""
    found: list[str | Piece] = []
    for place, part in enumerate(parts):
        before = parts[place - 1] if place else ""
        after = parts[place + 1] if place + 1 < len(parts) else ""
        is_quoted = isinstance(before, str) and before.endswith('"')
        if isinstance(part, Piece) and part.inner == _TEXT and is_quoted:
            closes = isinstance(after, str) and after.startswith('"')
            inner = r'(?:[^"\\]|\\.)*' if closes else r'(?:[^"\\]|\\.)*?'
            part = Piece(part.directive, part.meaning, "", inner, "", part.shape, part.name, part.rank)
        found.append(part)
    return found


_TEXT, _WORD, _NUMBER, _PATH = r".*?", r"\S+?", r"\d+(?:\.\d+)?", r"[^?\s]*?"

# Apache ---------------------------------------------------------------------------------------------

_DIRECTIVE = re.compile(r"%((?:[<>!]|\d{3}(?:,\d{3})*|\{[^}]*\})*)(\^[A-Za-z]{2}|[A-Za-z%])")
_APACHE = {
    "a": ("address", _WORD),
    "h": ("address", _WORD),
    "A": (None, _WORD),
    "b": ("bytes", _NUMBER),
    "B": ("bytes", _NUMBER),
    "O": ("bytes", _NUMBER),
    "I": (None, _NUMBER),
    "S": (None, _NUMBER),
    "D": (None, _NUMBER),
    "T": (None, _NUMBER),
    "k": (None, _NUMBER),
    "p": (None, _NUMBER),
    "P": (None, r"[0-9A-Fa-f]+"),
    "X": (None, r"[X+-]"),
    "m": ("method", _WORD),
    "U": ("path", _PATH),
    "q": ("query", r"(?:\?\S*?)?"),
    "r": ("request", _TEXT),
    "s": ("status", r"\d{3}"),
    "u": ("remote_user", r'""|.+?'),
    "v": ("host", _WORD),
    "V": ("host", _WORD),
    "f": (None, _TEXT),
}
_HEADERS = {
    "x-forwarded-for": "forwarded",
    "referer": "referrer",
    "user-agent": "agent",
    "cookie": "cookies",
    "host": "host",
}


def _apache(text: str) -> list[str | Piece]:
    parts, place = [], 0
    for found in _DIRECTIVE.finditer(text):
        parts.append(text[place : found.start()])
        parts.append("%" if found[2] == "%" else _apache_piece(found))
        place = found.end()
    parts.append(text[place:])
    if odd := re.search(r"%(?!$).", "".join(part for part in parts[::2] if isinstance(part, str))):
        raise NotAFormat(f"{odd[0]} is no directive of Apache")
    return _merged(parts)


def _apache_piece(found: re.Match) -> Piece:
    """One directive; a condition on the status (`%!400r`) makes it a second choice."""
    directive, modifiers, letter = found[0], found[1], found[2]
    argument = (re.search(r"\{([^}]*)\}", modifiers) or [None, ""])[1]
    rank = 2 * bool(re.search(r"\d{3}", modifiers)) + 4 * (modifiers.startswith("<") and ">" not in modifiers)
    if letter == "t":
        return _apache_time(directive, argument, rank)
    if letter == "i":
        meaning = _HEADERS.get(argument.lower())
        return Piece(directive, meaning, "", _TEXT, "", name=argument, rank=rank)
    if letter == "C":
        return Piece(directive, "visitor", "", _TEXT, "", name=argument, rank=rank)
    meaning, inner = _APACHE.get(letter, (None, _TEXT))
    if letter == "s" and "<" not in modifiers and ">" not in modifiers:
        rank += 1  # the status before an internal redirect comes after the final one
    if letter == "h" or (letter == "a" and argument == "c"):
        rank += 1
    return Piece(directive, meaning, "", inner, "", name=argument, rank=rank)


_STRFTIME = {
    **{"Y": r"\d{4}", "m": r"\d\d", "d": r"[\d ]?\d", "H": r"\d\d", "M": r"\d\d", "S": r"\d\d", "y": r"\d\d"},
    **{"b": r"\w{3}", "B": r"\w+", "a": r"\w{3}", "A": r"\w+", "j": r"\d{3}", "I": r"\d\d", "p": r"[AP]M"},
    **{"f": r"\d{1,6}", "z": r"(?:[+-]\d\d:?\d\d|Z)", "Z": r"[A-Za-z/_+-]+", "%": "%"},
}
_STRFTIME_LONG = {"T": "%H:%M:%S", "F": "%Y-%m-%d", "D": "%m/%d/%y", "R": "%H:%M", "e": "%d", "h": "%b"}
_FRACTIONS = ("sec", "msec", "usec", "msec_frac", "usec_frac")
CLF = "%d/%b/%Y:%H:%M:%S %z"
"""The time of the common log format, for strptime."""


def _apache_time(directive: str, argument: str, rank: int) -> Piece:
    argument = re.sub(r"^(?:begin|end):?", "", argument)
    if argument in _FRACTIONS:
        return Piece(directive, "stamp", "", r"\d+", "", argument, rank=rank)
    if not argument:
        return Piece(directive, "stamp", r"\[", r"[^\]]+", r"\]", CLF, rank=rank)
    spelled = re.sub(r"%([TFDReh])", lambda code: _STRFTIME_LONG[code[1]], argument)
    codes = re.findall(r"%(.)", spelled)
    if strange := [code for code in codes if code not in _STRFTIME]:
        raise NotAFormat(f"%{strange[0]} in {directive} is no part of a time that can be read")
    pieces = re.split(r"%(.)", spelled)
    inner = "".join(_STRFTIME[part] if place % 2 else _literal(part) for place, part in enumerate(pieces))
    return Piece(directive, "stamp", "", inner, "", spelled, rank=rank)


# nginx ----------------------------------------------------------------------------------------------

_NGINX = {
    "remote_addr": ("address", _WORD, 0),
    "realip_remote_addr": ("address", _WORD, 1),
    "http_x_forwarded_for": ("forwarded", _TEXT, 0),
    "proxy_add_x_forwarded_for": ("forwarded", _TEXT, 1),
    "remote_user": ("remote_user", r'""|.+?', 0),
    "request": ("request", _TEXT, 0),
    "request_method": ("method", _WORD, 0),
    "request_uri": ("target", _WORD, 0),
    "uri": ("path", _PATH, 1),
    "document_uri": ("path", _PATH, 1),
    "args": ("query", r"\S*?", 0),
    "query_string": ("query", r"\S*?", 0),
    "status": ("status", r"\d{3}", 0),
    "body_bytes_sent": ("bytes", _NUMBER, 0),
    "bytes_sent": ("bytes", _NUMBER, 1),
    "http_referer": ("referrer", _TEXT, 0),
    "http_user_agent": ("agent", _TEXT, 0),
    "http_cookie": ("cookies", _TEXT, 0),
    "host": ("host", _WORD, 0),
    "http_host": ("host", _WORD, 1),
    "server_name": ("host", _WORD, 2),
}
_NGINX_TIMES = {
    "time_local": (r"[^\]\"]+?", CLF, 0),
    "time_iso8601": (r"\d{4}-\d\d-\d\dT[\d:.]+(?:[+-]\d\d:?\d\d|Z)", "iso", 1),
    "msec": (r"\d+\.\d+", "sec", 2),
}


def _nginx(text: str) -> list[str | Piece]:
    parts, place = [], 0
    for found in re.finditer(r"\$(?:\{(\w+)\}|(\w+))", text):
        parts.append(text[place : found.start()])
        parts.append(_nginx_piece(found[0], found[1] or found[2]))
        place = found.end()
    parts.append(text[place:])
    return _merged(parts)


def _nginx_piece(directive: str, name: str) -> Piece:
    if name in _NGINX_TIMES:
        inner, shape, rank = _NGINX_TIMES[name]
        return Piece(directive, "stamp", "", inner, "", shape, rank=rank)
    if name.startswith("cookie_"):
        return Piece(directive, "visitor", "", _TEXT, "", name=name.removeprefix("cookie_"))
    meaning, inner, rank = _NGINX.get(name, (None, _TEXT, 0))
    return Piece(directive, meaning, "", inner, "", rank=rank)


def _merged(parts: list[str | Piece]) -> list[str | Piece]:
    """The parts without empty texts, neighbouring texts as one."""
    merged: list[str | Piece] = []
    for part in parts:
        if isinstance(part, str) and merged and isinstance(merged[-1], str):
            merged[-1] += part
        elif part != "":
            merged.append(part)
    return merged
