"""The files of a landing folder, wherever it lies, by the source whose they are.

landing/<source>/... -> that source; anything else -> the source whose content it has, else a sentence
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from zoneinfo import ZoneInfo

from ingestion import email, files, forms, kinds, lists, records, remote, web
from ingestion.files import Found, Unreadable
from ingestion.ledger import IngestReport
from ingestion.warehouse import IngestError

MODULES: dict[str, ModuleType | kinds.Source] = {
    "web": web,
    "forms": forms,
    "email": email,
    "lists": lists,
    **{name: kinds.Source(name) for name in kinds.SOURCES},
}
SOURCES: tuple[str, ...] = tuple(MODULES)
"""Sources, each a folder of landing and a module here."""


def check(landing: Path | str, wanted: tuple[str, ...], zone: str) -> None:
    """Raises IngestError, with the mend, if there is no such folder, source or time zone."""
    if unknown := set(wanted) - set(SOURCES):
        raise IngestError(f"{', '.join(sorted(unknown))} is no source: choose from {', '.join(SOURCES)}")
    if not remote.is_remote(landing) and not Path(landing).is_dir():
        raise IngestError(
            f"{landing} is not a folder: make it, with a folder for each source ({', '.join(SOURCES)})"
        )
    try:
        ZoneInfo(zone)
    except (KeyError, ValueError, OSError) as error:
        raise IngestError(f"{zone} is no time zone: write it as in Asia/Tokyo") from error


def find(landing: Path | str, state_dir: Path) -> Iterator[Found | str]:
    """The files of the landing folder, wherever it lies."""
    root = root_of(landing, state_dir)
    if not remote.is_remote(landing):
        return files.find(root, SOURCES)
    shutil.rmtree(root, ignore_errors=True)  # left by a run that was killed
    return remote.find(str(landing), root, SOURCES)


def root_of(landing: Path | str, state_dir: Path) -> Path:
    """The landing folder, or where files of a remote one are copied to."""
    return state_dir / "fetched" if remote.is_remote(landing) else Path(landing)


def by_source(all_found: Iterator[Found | str], report: IngestReport) -> dict[str, list[Found]]:
    """The files of each source; what is no file or of no source goes to the report's troubles."""
    by_source: dict[str, list[Found]] = {source: [] for source in SOURCES}
    for found in all_found:
        if isinstance(found, str):
            report.troubles.append(found)
        elif found.source:
            by_source[found.source].append(found)
        else:
            try:
                by_source[_told_by_content(found)].append(found)
            except Unreadable as error:
                report.troubles.append(f"{found.path} {error}")
    return by_source


def _told_by_content(found: Found) -> str:
    """The source of a file outside the sources' folders. Raises Unreadable if its content does not tell."""
    looked = files.snapshot(found)
    if not looked.size:
        raise Unreadable("is empty: send it again with its rows, or remove it")
    if looked.kind == "text":
        with files.opened(looked) as stream:
            text = files.start_of(stream)
        if web.recognises(text.splitlines()[:20]):
            return "web"
        names = records.keys_of(text)
    else:
        names = (
            records.keys_of(files.content(looked)[0].decode("utf-8", "replace"))
            if looked.kind == "array"
            else set()
        )
    for source in ("email", "forms", *kinds.SOURCES):
        if names and MODULES[source].recognises(names):
            return source
    for source in (*kinds.SOURCES, "forms", "lists"):
        if records.has_header(looked, MODULES[source].form(found)):
            return source
    raise Unreadable(
        f"is of no source that is known: put it in the folder of its source ({', '.join(SOURCES)})"
    )
