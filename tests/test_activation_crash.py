"""kill -9 at named moments, then a second apply: the receiver ends with every row, each exactly once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from activation_receiver import Receiver, receiver_running
from activation_warehouse import Company, lead

REPOSITORY = Path(__file__).resolve().parents[1]
KEYS = [f"k{number}" for number in range(8)]

# The child dies by its own hand right before or after a named step; the product knows nothing of this.
CHILD = """
import json, os, signal, sys
from pathlib import Path
from orchestration.activation import apply
from orchestration.activation.ledger import Ledger
from orchestration.activation.destinations import files

said = json.loads(sys.argv[1])
left = [said["after"]]

def dies(owner, name, when):
    inner = getattr(owner, name)
    def outer(*args, **kwargs):
        left[0] -= 1
        if when == "before" and left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        result = inner(*args, **kwargs)
        if when == "after" and left[0] < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result
    setattr(owner, name, outer)

if said["where"]:
    owner, name, when = said["where"]
    dies({"Ledger": Ledger, "os": files.os, "files": files}[owner], name, when)
root = Path(said["root"])
apply(root / "warehouse.duckdb", root / "activation" / "ledger.sqlite", root / "syncs",
      out_dir=root / "out", secrets=said["secrets"], only=said["only"], seed=1)
"""


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiver_running() as running:
        yield running


@pytest.fixture
def company(tmp_path: Path, receiver: Receiver) -> Company:
    made = Company(tmp_path)
    made.use_syncs()
    made.receive_at(receiver.url)
    made.have([lead(key) for key in KEYS])
    return made


def start(company: Company, only: str, where: list[str] | None = None, after: int = 0) -> subprocess.Popen:
    said = {
        "root": str(company.root),
        "secrets": company.secrets,
        "only": only,
        "where": where,
        "after": after,
    }
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    return subprocess.Popen(
        [sys.executable, "-c", CHILD, json.dumps(said)], env=environment, cwd=company.root
    )


@pytest.mark.parametrize(
    ("where", "after"),
    [
        (["Ledger", "take_lease", "after"], 0),
        (["Ledger", "put_rows", "after"], 2),  # planned, nothing sent
        (["Ledger", "record", "before"], 3),  # the answer is here, its outcome not yet written
        (["Ledger", "record", "after"], 3),  # the intent is written, nothing left yet
        (["Ledger", "end_run", "before"], 0),
    ],
    ids=["after_lease", "after_plan", "after_response", "after_intent", "before_end"],
)
def test_killed_at_a_named_moment_nothing_is_lost_or_doubled(
    company: Company, receiver: Receiver, where: list[str], after: int
) -> None:
    child = start(company, "webhook_routed_leads", where, after)
    assert child.wait(timeout=30) == -signal.SIGKILL
    sent_before = len(receiver.bodies)
    run = company.send()
    assert run.status == "done" and sorted(receiver.stored) == KEYS and receiver.bad_signatures == 0
    assert len(receiver.bodies) <= len(KEYS) + 1, "at most the one row in doubt is sent twice: no full resync"
    assert set(receiver.state) == set(KEYS) and run.requests == len(receiver.bodies) - sent_before
    assert company.send().requests == 0


@pytest.mark.parametrize("moment", ["before", "stored"])
def test_killed_while_the_receiver_works_on_a_request(
    company: Company, receiver: Receiver, moment: str
) -> None:
    children: list[subprocess.Popen] = []

    def kill(number: int, at: str) -> None:
        if (number, at) == (4, moment):
            children[0].send_signal(signal.SIGKILL)
            children[0].wait(timeout=30)

    receiver.on_request = kill
    children.append(start(company, "webhook_routed_leads"))
    assert children[0].wait(timeout=30) == -signal.SIGKILL
    time.sleep(0.05)  # the receiver still finishes the request that it holds
    run = company.send()
    assert run.status == "done" and sorted(receiver.stored) == KEYS
    assert receiver.ids.count(receiver.ids[3]) == 2, "the row in doubt came again under its old id"
    assert any("in doubt" in said for said in run.sentences)


@pytest.mark.parametrize(
    ("where", "after"),
    [
        (["Ledger", "record", "after"], 0),
        (["files", "write_atomically", "after"], 0),
        (["os", "replace", "before"], 0),
        (["os", "replace", "after"], 0),
    ],
    ids=["after_intent", "after_write", "before_rename", "after_rename"],
)
def test_killed_while_writing_the_file_leaves_old_or_new_and_the_same_bytes_after(
    company: Company, where: list[str], after: int, tmp_path: Path
) -> None:
    company.apply("files_routed_leads")
    old = company.csv.read_bytes()
    company.have([lead(key, grade="A1") for key in KEYS])
    assert start(company, "files_routed_leads", where, after).wait(timeout=30) == -signal.SIGKILL
    between = company.csv.read_bytes()
    run = company.apply("files_routed_leads")["files_routed_leads"]
    assert run.status == "done" and run.acked == len(KEYS)
    new = company.csv.read_bytes()
    assert between in (old, new) and old != new and b",A1," in new
    assert run.requests == (0 if between == new else 1), (
        "what the file already has is adopted, not written again"
    )


def test_two_processes_at_once_one_works_one_exits(company: Company, receiver: Receiver) -> None:
    refused: list[str] = []

    def try_too(number: int, moment: str) -> None:
        if (number, moment) == (2, "before"):
            with pytest.raises(Exception, match="is being sent by another process") as error:
                company.send()
            refused.append(str(error.value))

    receiver.on_request = try_too
    assert start(company, "webhook_routed_leads").wait(timeout=30) == 0
    assert len(refused) == 1 and len(receiver.bodies) == len(KEYS) and sorted(receiver.stored) == KEYS


def test_a_change_that_was_stored_by_a_killed_run_and_taken_back_is_taken_back_there_too(
    company: Company, receiver: Receiver
) -> None:
    company.send()
    company.have([lead(key, grade="A1") for key in KEYS])
    child = start(company, "webhook_routed_leads", ["Ledger", "record", "before"], 1)
    assert child.wait(timeout=30) == -signal.SIGKILL
    assert receiver.state["k0"]["grade"] == "A1", "stored, but its outcome was never written"
    company.have([lead(key) for key in KEYS])
    run = company.send()
    assert (run.status, run.requests) == ("done", 1)
    assert {fields["grade"] for fields in receiver.state.values()} == {"B2"}
