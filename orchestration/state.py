"""State: what the last good build and the last publication were, in one small JSON file of the home."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

NOT_RULES = {"target", "logs", "dbt_packages", "__pycache__", ".user.yml"}


@dataclass(frozen=True)
class Built:
    """One build that passed its tests. Times are UTC text; without a loaded row `loaded_through` is None."""

    run_id: str
    as_of: str
    known_at: str
    zone: str
    rules_digest: str
    loaded_through: str | None
    taken_back_through: str | None = None  # when rows were last taken out of a raw table


@dataclass(frozen=True)
class RunState:
    built: Built | None = None
    published_run_id: str | None = None
    plan_digest: str | None = None


def read(path: Path) -> RunState:
    """The recorded state; an absent or unreadable file means that nothing was built yet (so build all)."""
    try:
        kept = json.loads(path.read_text())
        built = Built(**kept["built"]) if kept["built"] else None
        return RunState(built, kept["published_run_id"], kept["plan_digest"])
    except (OSError, ValueError, TypeError, KeyError):
        return RunState()


def write(path: Path, state: RunState) -> None:
    """Replace the file in one step, on the disk before the old one goes."""
    write_json(path, asdict(state))


def write_json(path: Path, content: object) -> None:
    """Write a JSON file so that a reader, or a crash, sees the old one or the new one and nothing between."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with fresh.open("w") as file:
        json.dump(content, file, indent=1, sort_keys=True)
        file.flush()
        os.fsync(file.fileno())
    os.replace(fresh, path)


def rules_digest(project: Path) -> str:
    """Hash of every file of the dbt project but what dbt writes: the third clock, without git."""
    digest = hashlib.sha256()
    for path in sorted(project.rglob("*")):
        inside = path.relative_to(project)
        if path.is_file() and not NOT_RULES & set(inside.parts):
            digest.update(f"{inside}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:16]
