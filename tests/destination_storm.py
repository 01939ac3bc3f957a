"""Waves of changes through a breaking proxy to a sales tool, judged by what its own store holds in the end.

As tests/activation_crm.py does with a real Tryton: broken, late and repeated requests, senders killed in the
middle, poison rows; then lost, doubled, stale and unexpected are counted in the store of the double, or in
the database of a real server.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from activation_warehouse import Company, FastClock, lead
from fault_proxy import FaultProxy

from orchestration.activation import SyncRun, verify
from orchestration.activation.ledger import Ledger

REPOSITORY = Path(__file__).resolve().parents[1]
QUICK = {"timeout_seconds": 0.6, "breaker": 1000, "patience_seconds": 100000, "requests_per_second": None}
NO_GUARDS = {"growth_pct": None, "shrink_pct": None, "most_creates": None}

CHILD = """
import json, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from activation_warehouse import Company, FastClock
said = json.loads(sys.argv[1])
company = Company(Path(said["root"]), said["secrets"], FastClock(time.time()))
company.apply(said["sync"])
"""


@dataclass
class VendorStorm:
    """A company, the proxy on its way to a vendor, and how to read the vendor's own store."""

    sync: str
    company: Company
    proxy: FaultProxy
    stored: Callable[[], Iterable[tuple[str, str]]]  # (key, headline) of each record there
    rng: random.Random
    poison: set[str] = field(default_factory=set)
    lead_of: Callable[[str, str], dict[str, Any]] = lambda key, text: lead(key, headline=text)
    kills: int = 0
    runs: int = 0
    mended: int = 0  # rows that a verify pass found wrong

    def wave(self, said: dict[str, str], *, kills: int, share: float) -> SyncRun:
        """Brings the model to key -> headline: `kills` runs die, others go on until nothing is left."""
        self.company.have([self.lead_of(key, text) for key, text in said.items()])
        self.proxy.share = share
        for _ in range(kills):
            self._killed_run()
        run = self._until_done()
        self.proxy.let_all_land()
        return run

    def settle(self) -> SyncRun:
        """What a day later does: look at everything, send what a late request spoiled."""
        self.proxy.share = 0.0
        for _ in range(3):
            check = verify(
                self.company.warehouse,
                self.company.ledger,
                self.company.syncs,
                only=self.sync,
                out_dir=self.company.out_dir,
                secrets=self.company.secrets,
            )[0]
            wrong = check.missing + check.different
            self.mended += wrong
            run = self._until_done()
            if not wrong:
                return run
        raise AssertionError("the verify pass finds something wrong again and again")

    def verdict(self, expected: dict[str, str]) -> str:
        """What the vendor's own store says against what it should hold."""
        rows = list(self.stored())
        there = dict(rows)
        lost = len(expected.keys() - there.keys())
        stale = sum(there.get(key, said) != said for key, said in expected.items())
        unexpected = len(there.keys() - expected.keys())
        return f"lost {lost}, doubled {len(rows) - len(there)}, stale {stale}, unexpected {unexpected}"

    def states(self) -> dict[str, str]:
        """key -> state of the ledger."""
        with Ledger.open(self.company.ledger) as ledger:
            return {key: row.state for key, row in ledger.rows(self.sync).items()}

    def told(self, expected: dict[str, str], verdict: str) -> str:
        """One line with counts and seeds for people."""
        faults = dict(sorted(self.proxy.done.items()))
        return (
            f"{self.sync}: {len(expected):,} rows, {self.proxy.requests:,} requests, "
            f"{sum(faults.values())} faults {faults}, {self.kills} kills, {self.runs} runs, "
            f"{self.mended} mended by verify: {verdict}"
        )

    def _until_done(self) -> SyncRun:
        for _ in range(60):
            self.runs += 1
            self.company.clock = FastClock(time.time())
            run = self.company.apply(self.sync)[self.sync]
            if run.status == "done":
                break
        return run

    def _killed_run(self) -> None:
        """A child that is killed while one of its requests is on its way, or just after."""
        self.runs += 1
        said = {"root": str(self.company.root), "secrets": self.company.secrets, "sync": self.sync}
        environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
        command = [sys.executable, "-c", CHILD, json.dumps(said), str(REPOSITORY / "tests")]
        number = self.proxy.requests + self.rng.randint(2, 9)
        moment = self.rng.choice(["before", "after"])
        children: list[subprocess.Popen] = []

        def kill(at: int, when: str) -> None:
            if at == number and when == moment and children:
                children[0].kill()

        self.proxy.on_request = kill
        children.append(subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL))
        code = children[0].wait(timeout=120)
        assert code in (0, -9), "the sender broke by itself"
        self.kills += code == -9
        self.proxy.on_request = lambda number, moment: None


def run_vendor_storm(
    storm: VendorStorm,
    prefix: str,
    *,
    rows: int,
    waves: int,
    kills: int,
    share: float,
    poison: bool = True,
) -> None:
    """Sends waves through the storm, settles, prints one line, and holds the store to 0/0/0/0.

    `poison`: does the vendor refuse some rows for ever?
    """
    keys = [f"{prefix}{number:05}" for number in range(rows)]
    storm.poison |= set(keys[7::50]) if poison else set()
    said = {key: "first" for key in keys}
    storm.wave(said, kills=kills, share=share)
    for wave in range(1, waves):
        for key in storm.rng.sample(keys, rows // 2):
            said[key] = f"wave {wave}"
        storm.wave(said, kills=kills, share=share)
    run = storm.settle()
    expected = {key: text for key, text in said.items() if key not in storm.poison}
    verdict = storm.verdict(expected)
    print(storm.told(expected, verdict))
    assert verdict == "lost 0, doubled 0, stale 0, unexpected 0"
    assert run.status == "done"
    states = storm.states()
    assert {key for key, state in states.items() if state == "rejected"} == storm.poison
    assert {key for key, state in states.items() if state in ("acked", "verified")} == set(expected)
