"""Trouble: from an exception of whatever package to one sentence that names the thing and the mend."""

from __future__ import annotations

import errno
import re
import sqlite3

FULL_DISK = "the disk is full: free some room (`ikusei doctor` shows what lies where), then run again"


class Trouble(Exception):
    """Something a person can mend. Its text is a whole sentence; the command line prints it and exits."""

    exit_code = 1


class Locked(Trouble):
    """Another run holds the home."""

    exit_code = 3


def sentence(error: BaseException) -> str:
    """Say what went wrong in one sentence (no traceback; IKUSEI_DEBUG=1 shows that).

    Args:
        error: any exception that came up to the edge.
    """
    if isinstance(error, Trouble):
        return str(error)
    text = " ".join(str(error).split())
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return FULL_DISK
    if known := known_sentence(text):
        return known
    if isinstance(error, sqlite3.OperationalError) and "locked" in text:
        return "the sync ledger is in use by another process: let it end, then run again"
    if isinstance(error, PermissionError):
        return f"{error.filename} cannot be opened ({error.strerror}): mend its rights, then run again"
    if isinstance(error, FileNotFoundError):
        return f"{error.filename} does not exist: check the path, then run again"
    return f"{type(error).__name__}: {text[:400]} (IKUSEI_DEBUG=1 shows where)"


def known_sentence(text: str) -> str | None:
    """The sentence for what a package reports in its own words: a full disk, a file in use; else None.

    What DuckDB cannot keep in memory goes to disk; where that is full it speaks of memory, too.
    """
    signs = ("No space left on device", "database or disk is full", "max_temp_directory_size")
    if any(sign in text for sign in signs):
        return FULL_DISK
    return _who_holds_the_file(text) if "Could not set lock on file" in text else None


def _who_holds_the_file(text: str) -> str:
    """DuckDB's words: Could not set lock on file "F": Conflicting lock is held in PROGRAM (PID n)."""
    name = re.search(r'lock on file "([^"]+)"', text)
    holder = re.search(r"held in (\S+) \(PID (\d+)\)", text)
    by = f"process {holder.group(2)} ({holder.group(1)})" if holder else "another process"
    path = name.group(1) if name else "the warehouse"
    return f"{path} is held by {by}: close it there, then run again"
