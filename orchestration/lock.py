"""Lock: one run at a time in a home. The kernel holds the lock, so a killed run never leaves one behind."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from orchestration.trouble import Locked


@contextmanager
def run_lock(path: Path, deed: str, *, wait: bool = False, poll_seconds: float = 0.2) -> Iterator[None]:
    """Hold the lock while the body runs.

    Args:
        path: the lock file; it holds the holder's pid, deed and start as JSON.
        deed: what the holder does, for the sentence that others see.
        wait: stand in line instead of failing.

    Raises:
        Locked: somebody else holds it and `wait` is false.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while not _taken(descriptor):
            if not wait:
                raise Locked(_held_by(path))
            time.sleep(poll_seconds)
        _sign(descriptor, deed)
        try:
            yield
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holder(path: Path) -> dict[str, str] | None:
    """Who holds the lock now (pid, deed, started_at), or None when it is free."""
    if not path.exists():
        return None
    descriptor = os.open(path, os.O_RDONLY)
    try:
        if _taken(descriptor):
            return None
        return _signature(path)
    finally:
        os.close(descriptor)


def _taken(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _sign(descriptor: int, deed: str) -> None:
    started = datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, json.dumps({"pid": os.getpid(), "deed": deed, "started_at": started}).encode(), 0)


def _signature(path: Path) -> dict[str, str]:
    try:
        return {key: str(value) for key, value in json.loads(path.read_text()).items()}
    except (OSError, ValueError):  # read between the holder's truncate and write
        return {}


def _held_by(path: Path) -> str:
    who = _signature(path)
    return (
        f"`{who.get('deed', 'another command')}` (process {who.get('pid', 'unknown')}, "
        f"since {who.get('started_at', 'just now')}) "
        f"holds {path.parent}: wait for it with --wait, or stop that process"
    )
