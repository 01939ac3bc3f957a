"""The settings beside landed files -> a digest, so that a change of them is noticed.

What a file's rows mean depends on the `columns.yml`, `format.yml` or `events.yml` nearest to it. The ledger
keeps the digest that a file was read under; another digest means that its rows are to be read anew.
"""

import hashlib
from pathlib import Path

from ingestion.files import SETTINGS, Found


class Digests:
    """Digests of settings by folder, each folder looked at once."""

    def __init__(self) -> None:
        self.known: dict[tuple[Path, str], str] = {}

    def of(self, found: Found) -> str:
        """Digest of the settings that hold for a file; '' where there are none."""
        place = (found.file.parent, found.stream)
        if place not in self.known:
            self.known[place] = _digest(found)
        return self.known[place]


def _digest(found: Found) -> str:
    digest = hashlib.sha256()
    said = [(name, file) for name in SETTINGS if (file := found.beside(name))]
    for name, file in said:
        digest.update(f"{name}\0".encode() + file.read_bytes() + b"\0")
    return digest.hexdigest()[:16] if said else ""
