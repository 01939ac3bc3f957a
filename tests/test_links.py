"""A merge that somebody rejects is undone everywhere, and restored to the row."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
from orchestrated import AS_OF, first_run, invented, marts

from orchestration.home import Home, Settings
from orchestration.links import FILE, decide
from orchestration.run import run
from orchestration.trouble import Trouble

ABOUT_RUNS = "identity.person_id_changes"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """A copy of the small company's home, with its files in its own landing folder."""
    built, _ = first_run()
    home = Home(tmp_path_factory.mktemp("links") / "home")
    shutil.copytree(built.root, home.root, symlinks=True, ignore=shutil.ignore_patterns("*.lock"))
    shutil.copytree(invented(), home.landing, dirs_exist_ok=True)
    run(home, Settings(), as_of=AS_OF, say=lambda line: None)
    return home


def one(home: Home, sql: str, *values: object) -> tuple:
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        return connection.execute(sql, list(values)).fetchone()


def obeyed(home: Home) -> list[str]:
    said: list[str] = []
    run(home, Settings(), as_of=AS_OF, say=said.append)
    return said


def rows(home: Home) -> dict[str, tuple[int, int]]:
    found = marts(home.warehouse, home)
    found.pop(ABOUT_RUNS)
    return found


def deeds(home: Home, identifier: str) -> dict[str, float]:
    """Touch to its points, of whoever the identifier belongs to."""
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        person = "(select person_id from identity.person_identifiers where identifier = ?)"
        of_touches = f"from scoring.fct_score_points where person_id = {person} and touch_id is not null"
        twice = f"select touch_id, rule_id {of_touches} group by all having count(*) > 1"
        assert not connection.execute(twice, [identifier]).fetchall(), "a touch earns points twice"
        done = f"select touch_id from behaviour.fct_touches where person_id = {person}"
        touches = [touch for (touch,) in connection.execute(done, [identifier]).fetchall()]
        assert len(touches) == len(set(touches)), "a touch counts twice"
        earned = f"select touch_id, sum(points) {of_touches} group by touch_id"
        return dict.fromkeys(touches, 0) | dict(connection.execute(earned, [identifier]).fetchall())


def counted(home: Home) -> tuple:
    """What is the same whoever did it: form passes and orders of all months, and one row a lead to send."""
    return one(
        home,
        "select (select sum(form_passes) from reporting.rpt_kpis_monthly), "
        "(select sum(orders) from reporting.rpt_kpis_monthly), "
        "(select count(*) - count(distinct person_id) from activation.sync_webhook__routed_leads)",
    )


def test_a_rejected_link_splits_the_person_and_restoring_it_gives_the_former_rows(home: Home) -> None:
    before = rows(home)
    link, left, right = one(
        home,
        "select links.link_id, left_identifier, right_identifier from identity.identity_links as links "
        "inner join identity.visitor_links on visitor_links.identifier = left_identifier "
        "where links.rule_id = 'token_recipient' order by links.link_id limit 1",
    )
    tablet, visitor = one(
        home,
        "select link_id, visitor_id from identity.visitor_links where person_id not in "
        "(select person_id from identity.person_identifiers where identifier = ?) order by link_id limit 1",
        left,
    )
    whole, numbers = deeds(home, right), counted(home)
    assert "the next `ikusei run` obeys" in decide(home, link, "reject", "a forwarded address")
    decide(home, tablet, "reject", "the reception's tablet", by="mori")
    said = obeyed(home)
    assert any("2 decisions on links were read" in line for line in said)
    assert any(line.startswith("  people:") for line in said)
    people = one(
        home,
        "select count(distinct person_id) from identity.person_identifiers where identifier in (?, ?)",
        left,
        right,
    )
    assert people == (2,)
    (reason,) = one(home, "select reason from identity.identity_refusals where link_id = ?", link)
    assert reason.startswith("rejected by ") and reason.endswith(": a forwarded address")
    assert one(home, "select count(*) from identity.visitor_spans where visitor_id = ?", visitor) == (0,)
    assert one(home, "select is_rejected from identity.visitor_links where link_id = ?", tablet) == (True,)
    assert rows(home) != before
    theirs, hers = deeds(home, left), deeds(home, right)
    assert theirs and hers and not theirs.keys() & hers.keys()
    assert whole == theirs | hers, "together they did, and earned, what each of them did"
    assert counted(home) == numbers

    for rejected in (link, tablet):
        decide(home, rejected, "restore", "it was hers after all")
    obeyed(home)
    assert rows(home) == before
    kept = [json.loads(line) for line in (home.landing / FILE).read_text(encoding="utf-8").splitlines()]
    assert [line["decision"] for line in kept] == ["reject", "reject", "restore", "restore"]
    assert (kept[0]["left_identifier"], kept[0]["right_identifier"]) == (left, right)
    assert (kept[1]["decided_by"], kept[1]["why"]) == ("mori", "the reception's tablet")


def test_a_decision_needs_a_link_and_a_reason(home: Home, tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="there is no link nonsense"):
        decide(home, "nonsense", "reject", "because")
    with pytest.raises(Trouble, match="say why"):
        decide(home, "nonsense", "reject", "  ")
    with pytest.raises(Trouble, match="run `ikusei run` first"):
        decide(Home(tmp_path), "nonsense", "reject", "because")
