"""The law of sending: after any changes and faults the receiver ends with what the model says."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from activation_receiver import receiver_running
from activation_warehouse import Company, FastClock, lead
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

# Hundreds of durable commits that no crash will test: memory keeps the law quick.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
KEYS = ["a", "b", "c", "d"]
FAULTS = ["ok", "ok", "close", "store+close", "500", "store+500", "429:0", "429:7", "429:4000", "403"]
GRADES = ["A1", "B2", "C3"]

models = st.dictionaries(
    st.sampled_from(KEYS),
    st.tuples(st.sampled_from(GRADES), st.sampled_from(["yes", "yes", "no"])),
    max_size=4,
)
rounds = st.lists(st.tuples(models, st.lists(st.sampled_from(FAULTS), max_size=8)), min_size=1, max_size=5)


def leads_of(model: dict) -> list[dict]:
    return [
        lead(key, grade=grade, is_suppressed=said == "no") for key, (grade, said) in sorted(model.items())
    ]


@pytest.mark.parametrize("mode", ["mirror", "upsert"])
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=rounds)
def test_any_changes_and_faults_end_in_what_the_model_says(mode: str, history: list) -> None:
    with receiver_running() as receiver, tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        company = Company(Path(folder), clock=FastClock(time.time()))
        company.use_syncs(webhook={"mode": mode, "guards": {"empty_model": "allow"}})
        company.receive_at(receiver.url)
        ever_allowed: dict[str, set[str]] = {}
        for model, faults in history:
            company.have(leads_of(model))
            for key, (grade, said) in model.items():
                if said == "yes":
                    ever_allowed.setdefault(key, set()).add(grade)
            receiver.faults = list(faults)
            company.send()
        receiver.faults = []
        for _ in range(3):
            company.clock.time += 5000
            last = company.send()
        desired = {key: grade for key, (grade, said) in history[-1][0].items() if said == "yes"}
        held = {key: fields["grade"] for key, fields in receiver.state.items()}
        if mode == "mirror":
            assert held == desired
        else:
            assert {key: held.get(key) for key in desired} == desired
        assert all(grade in ever_allowed[key] for key, grade in held.items()), (
            "nothing left that was never allowed"
        )
        assert (last.status, last.requests, last.unknown) == ("done", 0, 0)
        assert all(len(bytes_seen) == 1 for bytes_seen in receiver.raw.values()), "one id, one content"
        assert receiver.bad_signatures == 0
