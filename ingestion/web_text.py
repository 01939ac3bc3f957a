"""What web servers do to a text, undone: escapes, percent signs, and the client behind the proxies.

    field as logged -> pure functions, called by DuckDB only for the values that need them -> text

The functions are total: what cannot be undone stays as it came.
"""

import ipaddress
import re
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from urllib.parse import unquote_to_bytes

import duckdb
import pyarrow as pa

TRUSTED = "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7"
"""Proxies that are believed when a stream names none: those inside one's own network."""

_SIGNS = {"n": b"\n", "t": b"\t", "r": b"\r", "b": b"\b", "v": b"\v", "f": b"\f"}
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_RESERVED = re.compile(r"%(?=[0-7])(?!2[DEde]|3[0-9]|4[1-9A-Fa-f]|5[0-9AaFf]|6[1-9A-Fa-f]|7[0-9AaEe])")
_ODD = re.compile("[\x00-\x1f\x7f-\x9f\uff61-\uff9f\ue000-\uf8ff\ufffd]")


def unescaped(text: str) -> str:
    r"""A logged text without its escapes: `\"`, `\\`, `\t`, `\xhh` bytes and `\uhhhh`.

    The bytes are read as UTF-8, else as one of Japan's older encodings; bytes that are neither stay `\xhh`.
    """
    stored, place = b"", 0
    for found in _ESCAPE.finditer(text):
        stored += text[place : found.start()].encode("utf-8", "surrogatepass") + _bytes_of(found)
        place = found.end()
    stored += text[place:].encode("utf-8", "surrogatepass")
    read = _decoded(stored, is_old=text.isascii())
    return stored.decode("utf-8", "backslashreplace") if read is None else read


def _bytes_of(found: re.Match) -> bytes:
    if found[1]:
        return bytes.fromhex(found[1])
    if found[2]:
        return chr(int(found[2], 16)).encode("utf-8", "surrogatepass")
    return _SIGNS.get(found[3], found[3].encode())


def _decoded(stored: bytes, is_old: bool = True) -> str | None:
    """The bytes as text: UTF-8, or if `is_old` EUC-JP or cp932 that looks like text; else None."""
    with suppress(UnicodeDecodeError):
        return stored.decode("utf-8")
    for encoding in ("euc_jp", "cp932") if is_old else ():
        with suppress(UnicodeDecodeError):
            text = stored.decode(encoding)
            if not _ODD.search(text):
                return text
    return None


def percent_decoded(path: str) -> str:
    """A path with its letters readable: percent signs undone but for those that part or quote (`%2F`, `%20`).

    RFC 3986 section 6.2.2.2; what is not UTF-8 is read as EUC-JP or cp932, and else stays as it came.
    """
    with suppress(UnicodeDecodeError):
        return unquote_to_bytes(_RESERVED.sub("%25", path)).decode("utf-8")
    read = _decoded(unquote_to_bytes(path)) if path.isascii() else None
    return path if read is None else read


def client_of(address: str | None, forwarded: str, trusted: str) -> str | None:
    """The client behind the proxies: the last address of X-Forwarded-For that is not one of the trusted.

    Whoever stands left of an untrusted address could have been made up by it, so the walk ends there.
    `trusted` are networks, separated by commas.
    """
    networks = _networks(trusted)
    chain = [bare(part) for part in forwarded.split(",") if part.strip(' "-')]
    hops = [*chain, *([bare(address)] if address else [])]
    for hop in reversed(hops):
        if not _is_in(hop, networks):
            return hop
    return hops[0] if hops else address


def bare(address: str) -> str:
    """An address without port and brackets: `1.2.3.4:80` and `[2001:db8::1]:80` lose them."""
    plain = address.strip(' "').removeprefix("for=").strip('"')
    if plain.startswith("["):
        return plain[1:].partition("]")[0]
    host, _, port = plain.rpartition(":")
    return host if port.isdigit() and ":" not in host and host else plain


@lru_cache(maxsize=64)
def _networks(trusted: str) -> tuple:
    return tuple(ipaddress.ip_network(part.strip(), strict=False) for part in trusted.split(",") if part)


@lru_cache(maxsize=65536)
def _is_in(address: str, networks: tuple) -> bool:
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    return any(found.version == network.version and found in network for network in networks)


def define(con: duckdb.DuckDBPyConnection) -> None:
    """Makes the functions known to the connection, under their names here."""
    one = {name: _of_one(function) for name, function in _OF_ONE.items()}
    for name, function in {**one, "client_of": _client_of}.items():
        with suppress(duckdb.Error):  # left by an earlier connection to the same file in this process
            con.remove_function(name)
        types = ["VARCHAR"] * (3 if name == "client_of" else 1)
        con.create_function(name, function, types, "VARCHAR", type="arrow", null_handling="special")


_OF_ONE = {"unescaped": unescaped, "percent_decoded": percent_decoded, "bare": bare}


def _of_one(function: Callable[[str], str]) -> Callable[[pa.ChunkedArray], pa.Array]:
    """The function over an Arrow column."""

    def over(column: pa.ChunkedArray) -> pa.Array:
        return pa.array(
            [text if text is None else function(text) for text in column.to_pylist()], pa.string()
        )

    return over


def _client_of(addresses: pa.ChunkedArray, forwarded: pa.ChunkedArray, trusted: pa.ChunkedArray) -> pa.Array:
    rows = zip(addresses.to_pylist(), forwarded.to_pylist(), trusted.to_pylist(), strict=True)
    return pa.array([client_of(address, hops or "", nets or "") for address, hops, nets in rows], pa.string())
