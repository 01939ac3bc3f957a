"""Who may read the pages: names, roles and hashed passwords in one file, and the cookie of a log-in.

    users.json (mode 0600): {"key": hex, "users": {name: {"role", "salt", "hash"}}}   (ikusei dashboards user)
    password -> scrypt (RFC 7914)          name + time -> HMAC-SHA256 -> cookie

A cookie is signed with the file's key and the user's own hash: a changed password or a removed user ends its
sessions at once, and nothing but the file decides the role.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROLES = ("marketer", "sales", "admin")
MASKED_ROLES = ("marketer",)  # they read without names, addresses and phones
# OWASP's Password Storage Cheat Sheet: N=2^14, r=8, p=5 (16 MB) withstands as much as N=2^17, p=1 (128 MB).
COST = {"n": 2**14, "r": 8, "p": 5, "maxmem": 64 * 1024 * 1024}
SESSION_SECONDS = 12 * 3600
SHORTEST_PASSWORD = 10


class AccountProblem(ValueError):
    """A user that cannot be added, changed or removed: a sentence with the mend."""


@dataclass(frozen=True)
class Reader:
    """Somebody who reads pages. `name` is None where no log-in is asked for."""

    name: str | None
    role: str

    @property
    def is_masked(self) -> bool:
        """Whether personal data is kept from this reader."""
        return self.role in MASKED_ROLES


NOBODY_ASKED = Reader(None, "admin")


class Accounts:
    """The users of one file, read again when it changes; an absent file has none."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._read: tuple[tuple[int, int], dict[str, Any]] | None = None

    # -- reading -------------------------------------------------------------------------------------

    def names(self) -> dict[str, str]:
        """Role by name."""
        return {name: user["role"] for name, user in self._content()["users"].items()}

    def check(self, name: str, password: str) -> Reader | None:
        """The reader with this password; None when it is wrong or nobody has the name (the same work)."""
        user = self._content()["users"].get(name)
        salt = bytes.fromhex(user["salt"]) if user else b"nobody of this name"
        found = _hash(password, salt)
        right = bytes.fromhex(user["hash"]) if user else b""
        return Reader(name, user["role"]) if user and hmac.compare_digest(found, right) else None

    def cookie(self, name: str, now: float) -> str:
        """What the browser keeps: name and time of the log-in (seconds since 1970), signed."""
        words = _packed(json.dumps([name, int(now)]).encode())
        return f"{words}.{self._signature(name, words)}"

    def reader(self, cookie: str | None, now: float) -> Reader | None:
        """Whose cookie this is; None when it is absent, forged, too old, or its user is gone."""
        words, _, signature = (cookie or "").partition(".")
        try:
            name, since = json.loads(_unpacked(words))
            user = self._content()["users"][name]
        except (ValueError, KeyError, TypeError):
            return None
        is_signed = hmac.compare_digest(signature.encode(), self._signature(name, words).encode())
        return Reader(name, user["role"]) if is_signed and 0 <= now - since <= SESSION_SECONDS else None

    def token(self, of: str) -> str:
        """What a form must bring back, bound to a cookie that only the same browser sends."""
        return self._digest(b"form", of.encode())

    def _content(self) -> dict[str, Any]:
        try:
            stat = self.path.stat()
        except FileNotFoundError:
            return {"key": "", "users": {}}
        seen = (stat.st_mtime_ns, stat.st_ino)
        if self._read is None or self._read[0] != seen:
            self._read = (seen, json.loads(self.path.read_text(encoding="utf-8")))
        return self._read[1]

    def _signature(self, name: str, words: str) -> str:
        own = bytes.fromhex(self._content()["users"][name]["hash"])
        return self._digest(b"session", own, words.encode())

    def _digest(self, *parts: bytes) -> str:
        key = bytes.fromhex(self._content()["key"])
        told = b"".join(len(part).to_bytes(4, "big") + part for part in parts)
        return _packed(hmac.new(key, told, hashlib.sha256).digest())

    # -- writing -------------------------------------------------------------------------------------

    def add(self, name: str, role: str, password: str) -> None:
        """Add a user, or give a known one a new role and password. Raises AccountProblem, OSError."""
        if not re.fullmatch(r"[\w.@-]{1,64}", name):
            raise AccountProblem(
                f"'{name}' cannot be a user's name: use up to 64 letters, digits and . _ - @."
            )
        if role not in ROLES:
            raise AccountProblem(f"There is no role '{role}': choose one of {', '.join(ROLES)}.")
        if len(password) < SHORTEST_PASSWORD:
            raise AccountProblem(f"The password is too short: use at least {SHORTEST_PASSWORD} characters.")
        salt = secrets.token_bytes(16)
        user = {"role": role, "salt": salt.hex(), "hash": _hash(password, salt).hex()}
        content = self._content()
        self._write(
            {"key": content["key"] or secrets.token_hex(32), "users": {**content["users"], name: user}}
        )

    def remove(self, name: str) -> None:
        """Remove a user. Raises AccountProblem when there is none of this name, OSError."""
        content = self._content()
        if name not in content["users"]:
            raise AccountProblem(f"There is no user '{name}' in {self.path}.")
        users = {each: user for each, user in content["users"].items() if each != name}
        self._write({**content, "users": users})

    def _write(self, content: dict[str, Any]) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        fresh = self.path.with_name(f".{self.path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        with os.fdopen(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            json.dump(content, file, indent=1)
        os.replace(fresh, self.path)


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(password.encode(), salt=salt, dklen=32, **COST)


def _packed(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unpacked(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
