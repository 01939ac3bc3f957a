"""Home: from the environment to the one folder that holds everything the product writes.

Only `orchestration` knows a home. Ingestion, dashboards and activation are given the paths they need.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from orchestration.trouble import Trouble

REPOSITORY = Path(__file__).resolve().parents[1]
PROJECT = REPOSITORY / "dbt_project"
PAGES = REPOSITORY / "dashboards" / "pages"
SYNCS = PROJECT / "models" / "7_activation" / "syncs"
DEFAULT_ZONE = "Asia/Tokyo"
ALL_KNOWN = "9999-12-31 00:00:00"  # known_at of a run that uses everything loaded


@dataclass(frozen=True)
class Home:
    """The paths below one home folder. Looking at them creates nothing; `prepare` creates the folders."""

    root: Path

    @classmethod
    def from_environment(cls) -> Home:
        """The home that IKUSEI_HOME names, or ./data."""
        return cls(Path(os.environ.get("IKUSEI_HOME") or "data").expanduser().resolve())

    @property
    def landing(self) -> Path:
        return self.root / "landing"

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def serving(self) -> Path:
        """Folder of the published files; the newest is behind the link `serving.duckdb`."""
        return self.root / "serving"

    @property
    def published(self) -> Path:
        return self.serving / "serving.duckdb"

    @property
    def users(self) -> Path:
        """Who may read the pages, with hashed passwords; absent until the first user."""
        return self.root / "users.json"

    @property
    def activation(self) -> Path:
        return self.root / "activation"

    @property
    def ledger(self) -> Path:
        return self.activation / "ledger.sqlite"

    @property
    def sent_files(self) -> Path:
        return self.activation / "out"

    @property
    def dagster(self) -> Path:
        return self.root / "dagster"

    @property
    def dlt(self) -> Path:
        return self.root / "dlt"

    @property
    def dbt_target(self) -> Path:
        """dbt's compiled files and manifest: inside the home, so that a clone's tree stays clean."""
        return self.root / "dbt_target"

    @property
    def as_of(self) -> Path:
        return self.root / "as_of"

    @property
    def published_numbers(self) -> Path:
        """Ledger of every KPI cell that was ever public."""
        return self.root / "published_numbers.duckdb"

    @property
    def rules(self) -> Path:
        """The rules of each publication, packed, by their digest."""
        return self.root / "rules"

    @property
    def lock(self) -> Path:
        return self.root / "run.lock"

    @property
    def run_state(self) -> Path:
        return self.root / "run_state.json"

    @property
    def contract_marks(self) -> Path:
        return self.root / "contract_marks.json"

    @property
    def unfinished_build(self) -> Path:
        """Exists while dbt builds; left behind by a build that failed, so that the next one starts afresh."""
        return self.root / "build_unfinished"

    def prepare(self) -> Home:
        """Create the folders; a home that cannot be written is one sentence.

        Raises:
            Trouble: the folder cannot be created or written.
        """
        try:
            for folder in (self.root, self.landing, self.serving, self.activation, self.dlt):
                folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Trouble(
                f"the home {self.root} cannot be written ({error.strerror}): "
                "set IKUSEI_HOME to a folder that is yours, or mend its rights"
            ) from error
        return self


@dataclass(frozen=True)
class Settings:
    """What a company may set without touching code, from the environment."""

    zone: str = DEFAULT_ZONE

    @classmethod
    def from_environment(cls) -> Settings:
        """IKUSEI_ZONE: the time zone days are counted and shown in (default Asia/Tokyo).

        Raises:
            Trouble: the zone does not exist.
        """
        zone = os.environ.get("IKUSEI_ZONE") or DEFAULT_ZONE
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise Trouble(f"IKUSEI_ZONE={zone} is no time zone: use a name such as {DEFAULT_ZONE}") from error
        return cls(zone=zone)
