"""The demo sends to a Tryton where one is installed, else to a file, and says which."""

from __future__ import annotations

import os
import shutil

import duckdb
import pytest
from orchestrated import first_run

from orchestration import demo_sending
from orchestration.activation.local_tryton import NoTryton, install
from orchestration.home import DEFAULT_ZONE, Home


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    made = Home(tmp_path_factory.mktemp("demo") / "home")
    shutil.copytree(first_run()[0].root, made.root, symlinks=True)
    return made


def shown(home: Home) -> list[tuple]:
    """(sync, rows, rows with a record over there) as the pages see it."""
    with duckdb.connect(str(home.published.resolve()), read_only=True) as published:
        return published.execute(
            "select sync, count(*), count(remote_id) from activation.rows "
            "where state = 'verified' or state = 'acked' group by sync order by sync"
        ).fetchall()


def test_without_a_tryton_the_leads_go_to_a_file_and_the_demo_says_what_to_install(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Tryton is not installed here: `ikusei tryton install` does it in a minute or two, once."
    monkeypatch.setattr(demo_sending, "missing_piece", lambda: said)
    with demo_sending.sent(home, DEFAULT_ZONE, say=lambda line: None) as where:
        assert "went to a file" in where and where.endswith(said)
    ((sync, rows, _),) = shown(home)
    assert sync == demo_sending.FILE and rows > 0


def test_with_a_tryton_the_pages_show_each_lead_there_in_every_demo(home: Home) -> None:
    try:
        install(say=print)
    except NoTryton as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(f"no Tryton here: {error}")
    for _ in range(2):  # the second demo has a new Tryton, and so sends again
        with demo_sending.sent(home, DEFAULT_ZONE, say=lambda line: None) as where:
            assert "are in the Tryton at http://127.0.0.1" in where
            rows = {sync: (count, with_id) for sync, count, with_id in shown(home)}
            assert rows[demo_sending.TRYTON][0] == rows[demo_sending.TRYTON][1] > 0
