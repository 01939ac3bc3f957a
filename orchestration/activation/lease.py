"""The right to send one sync: a lease with a fencing token, so that two processes never send one row."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass

from orchestration.activation.configuration import ActivationError
from orchestration.activation.ledger_rows import as_epoch
from orchestration.trouble import Locked

LEASE_SECONDS = 60.0


class LeaseHeld(ActivationError, Locked):
    """Another process is sending this sync."""


class LeaseLost(ActivationError):
    """Another process took the lease over while we slept; going on could send twice."""


@dataclass(frozen=True)
class Lease:
    """The right to send one sync. A later taker has a larger token; an older token can no longer write."""

    sync: str
    token: int


def me() -> str:
    """How this process names itself in a lease."""
    return f"process {os.getpid()} on {socket.gethostname()}"


def is_held(holder: str | None, expires_at: str, now: float) -> bool:
    """A lease counts until it runs out, except that of a process of this machine which is gone."""
    if holder is None or as_epoch(expires_at) <= now:
        return False
    words = holder.split()
    if words[-1] != socket.gethostname():
        return True
    if int(words[1]) == os.getpid():
        return True
    try:
        os.kill(int(words[1]), 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
