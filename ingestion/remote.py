"""A landing folder that lies elsewhere: s3://, sftp://, file:// or whatever fsspec speaks.

    listing (path, size, time) -> files that the ledger does not know -> one local copy at a time

What the ledger knows is never fetched: the listing's size and time tell. Settings (`*.yml`) always are, they
are small. S3 needs the package s3fs, SFTP paramiko; credentials come from where those look for them, an S3
server of one's own from AWS_ENDPOINT_URL. SFTP takes the key of a host it does not know; with
FSSPEC_SFTP_HOST_KEY_POLICY=reject only that of a host in ~/.ssh/known_hosts.
https://filesystem-spec.readthedocs.io
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingestion.files import SETTINGS, Found, is_left_out
from ingestion.warehouse import IngestError

_TIMES = ("mtime", "LastModified", "last_modified", "modified", "updated", "created")


def is_remote(landing: Path | str) -> bool:
    """Whether a landing folder is named by a URL."""
    return "://" in str(landing)


@dataclass
class RemoteFile:
    """A file of a remote folder: what the listing says of it, and how to get it."""

    filesystem: Any
    name: str
    size: int
    modified_ns: int

    def fetch(self, to: Path) -> None:
        """Copies the file to a local place."""
        to.parent.mkdir(parents=True, exist_ok=True)
        self.filesystem.get_file(self.name, str(to))


def find(url: str, mirror: Path, sources: tuple[str, ...]) -> Iterator[Found]:
    """Every file below `url`, in the order of its path, to be copied below `mirror` when it is needed.

    Raises IngestError with the mend if the folder cannot be listed.
    """
    filesystem, root, listed = _listed(url)
    for name in sorted(listed):
        about = listed[name]
        path = name.removeprefix(root).lstrip("/")
        file = RemoteFile(filesystem, name, int(about.get("size") or 0), _modified_ns(about))
        last = path.rpartition("/")[2]
        if last in SETTINGS:
            file.fetch(mirror / path)
        elif not any(map(is_left_out, path.split("/"))):
            first, *rest = path.split("/")
            known = first in sources and bool(rest)
            yield Found(
                first if known else None, "/".join(rest[:-1]) if known else "", path, mirror / path, file
            )


def _listed(url: str) -> tuple[Any, str, dict[str, dict]]:
    import fsspec

    try:
        filesystem, root = fsspec.url_to_fs(url)
        root = filesystem._strip_protocol(root).rstrip("/")
        filesystem.invalidate_cache()
        if not filesystem.isdir(root):
            raise FileNotFoundError("it is not there")
        return filesystem, root, filesystem.find(root, detail=True)
    except ImportError as error:
        raise IngestError(
            f"{_shown(url)} needs a package that is not installed ({error}): install it"
        ) from error
    except Exception as error:  # every kind of filesystem has errors of its own
        raise IngestError(
            f"{_shown(url)} cannot be listed ({_first_line(error)}): check the address and the access to it"
        ) from error


def _shown(url: str) -> str:
    """The URL without the password that may stand in it."""
    return re.sub(r"(?<=://)([^/@:]+):[^/@]*@", r"\1@", url)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def _modified_ns(about: dict) -> int:
    """The time of a listed file, else a number that changes with its tag."""
    time = next((about[key] for key in _TIMES if about.get(key)), None)
    if isinstance(time, str):
        time = datetime.fromisoformat(time)
    if isinstance(time, datetime):
        time = (time if time.tzinfo else time.replace(tzinfo=UTC)).timestamp()
    if time is not None:
        return int(time * 1_000_000_000)
    tag = str(about.get("ETag") or about.get("etag") or "")
    return int.from_bytes(hashlib.sha256(tag.encode()).digest()[:7])
