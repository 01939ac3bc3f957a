"""Leads in a real Tryton: what its own database holds (read by psql), and faults on the way."""

from __future__ import annotations

import csv
import io
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from activation_warehouse import Company, FastClock, lead
from fault_proxy import FaultProxy, proxy_before

from orchestration.activation import SyncRun
from orchestration.activation.ledger import Ledger
from orchestration.activation.local_tryton import LocalTryton, NoTryton, missing_programs, running_tryton

SYNC = "tryton_routed_leads"
UNITS = ["area-kanto", "area-kansai"]
REPOSITORY = Path(__file__).resolve().parents[1]

# The child's clock sleeps at once: what a gateway still holds then arrives after the next attempt, which is
# worse.
CHILD = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from activation_warehouse import Company, FastClock
said = json.loads(sys.argv[1])
company = Company(Path(said["root"]), said["secrets"], FastClock(time.time()))
company.apply("tryton_routed_leads")
"""


@contextmanager
def tryton_or_skip() -> Iterator[LocalTryton]:
    """A running Tryton; skips with a sentence where none can be had, fails there in CI, which installs it."""
    try:
        if missing := missing_programs():
            raise NoTryton(missing)
        with running_tryton(UNITS, say=print) as crm:
            yield crm
    except NoTryton as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no Tryton here: {error}")


def ask(crm: LocalTryton, statement: str) -> list[dict[str, str]]:
    """Rows of the CRM's own database."""
    dsn = crm.dsn
    where = ["-h", str(dsn["host"]), "-p", str(dsn["port"]), "-U", str(dsn["user"]), "-d", str(dsn["dbname"])]
    done = subprocess.run(["psql", "-X", "--csv", *where, "-c", statement], capture_output=True, check=True)
    return list(csv.DictReader(io.StringIO(done.stdout.decode())))


@dataclass
class Verdict:
    """What the CRM's own database says against what it should hold."""

    lost: int
    doubled: int
    stale: int
    unexpected: int

    def __str__(self) -> str:
        return f"lost {self.lost}, doubled {self.doubled}, stale {self.stale}, unexpected {self.unexpected}"


def judge(crm: LocalTryton, prefix: str, expected: dict[str, str]) -> Verdict:
    """Compares key -> description with the tables of Tryton; parties and contacts must be single too."""
    rows = ask(
        crm,
        "select external_id as key, description as said from sale_opportunity "
        f"where external_id like '{prefix}%'",
    )
    parties = ask(crm, f"select code as key from party_party where code like '{prefix}%'")
    contacts = ask(
        crm,
        "select p.code || c.type as key from party_contact_mechanism c join party_party p on p.id = c.party "
        f"where p.code like '{prefix}%'",
    )
    doubled = sum(len(found) - len({row["key"] for row in found}) for found in (rows, parties, contacts))
    there = {row["key"]: row["said"] for row in rows}
    return Verdict(
        lost=len(expected.keys() - there.keys()),
        doubled=doubled,
        stale=sum(there.get(key, said) != said for key, said in expected.items()),
        unexpected=len(there.keys() - expected.keys()),
    )


@dataclass
class Storm:
    """Waves of changes through a breaking proxy with a sender that is killed again and again."""

    crm: LocalTryton
    company: Company
    proxy: FaultProxy
    rng: random.Random
    prefix: str
    poison: set[str] = field(default_factory=set)
    kill_within: int = 14  # requests of a run in which its sender dies; large batches make few
    kills: int = 0
    runs: int = 0

    def wave(self, said: dict[str, str], *, kills: int, share: float) -> SyncRun:
        """Brings the model to key -> description: `kills` runs die, then runs go on until nothing is left."""
        self.company.have([self._lead(key, text) for key, text in said.items()])
        self.proxy.share = share
        for _ in range(kills):
            self._killed_run()
        for _ in range(60):
            self.runs += 1
            self.company.clock = FastClock(time.time())
            run = self.company.apply(SYNC)[SYNC]
            if run.status == "done":
                break
        self.proxy.let_all_land()
        return run

    def _lead(self, key: str, text: str) -> dict:
        chance = "9" if key in self.poison else "0.3"  # Tryton's own rule: a probability is at most 1
        unit = UNITS[len(text) % 2]
        return lead(key, headline=text, owner_unit_id=unit, total_score=chance, approach_note=f"note {key}")

    def _killed_run(self) -> None:
        """A child that is killed while one of its requests is on its way, or after some time."""
        self.runs += 1
        said = json.dumps({"root": str(self.company.root), "secrets": self.company.secrets})
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-c", CHILD, said, str(REPOSITORY / "tests")]
        number = self.proxy.requests + self.rng.randint(1, self.kill_within)
        moment = self.rng.choice(["before", "after", "some time after"])
        children: list[subprocess.Popen] = []

        def kill(at: int, when: str) -> None:
            if at == number and moment.endswith(when) and children:
                if moment.startswith("some"):
                    time.sleep(self.rng.uniform(0, 0.05))
                children[0].kill()

        self.proxy.on_request = kill
        children.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
        try:
            code = children[0].wait(timeout=60)
        except subprocess.TimeoutExpired:  # a slow machine: killed late is killed too
            children[0].kill()
            code = children[0].wait(timeout=60)
        assert code in (0, -9), "the sender broke by itself"
        self.kills += code == -9
        self.proxy.on_request = lambda number, moment: None


@contextmanager
def storm_over(crm: LocalTryton, root: Path, prefix: str, seed: int, **options: float) -> Iterator[Storm]:
    """A company whose way to Tryton leads through the proxy."""
    with proxy_before(crm.port, "/crm", seed) as proxy:
        company = Company(root, {**crm.secrets(), "IKUSEI_TRYTON_URL": proxy.url})
        chance = {"column": "total_score", "ownership": "overwrite", "why": "A rule of the server's to break"}
        quick = {"timeout_seconds": 1.2, "breaker": 1000, "patience_seconds": 100000, "rows_per_call": 25}
        company.use_syncs(
            tryton={
                "options": {**quick, **options},
                "fields": {"conversion_probability": chance},
                "guards": {"growth_pct": None, "shrink_pct": None, "most_creates": None},
            }
        )
        proxy.late_seconds = 1.3
        yield Storm(crm, company, proxy, random.Random(seed), prefix)


def ledger_states(company: Company) -> dict[str, str]:
    """key -> state."""
    with Ledger.open(company.ledger) as ledger:
        return {key: row.state for key, row in ledger.rows(SYNC).items()}
