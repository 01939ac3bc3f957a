"""Explain shows why identifiers are one person, why two are not, and why a lead went where it went."""

import duckdb
import pytest
from orchestrated import first_run

from orchestration.explain_links import explain_link
from orchestration.explain_people import explain_person, explain_route
from orchestration.home import Home
from orchestration.trouble import Trouble

ZONE = "Asia/Tokyo"


@pytest.fixture(scope="module")
def home() -> Home:
    return first_run()[0]


def one(home: Home, sql: str) -> tuple:
    with duckdb.connect(str(home.published.resolve()), read_only=True) as connection:
        return connection.execute(sql).fetchone()


def test_the_tree_of_a_person_holds_every_identifier_and_link_once(home: Home) -> None:
    person, count = one(
        home,
        "select person_id, count(*) as n from identity.person_identifiers group by 1 "
        "order by n desc, 1 limit 1",
    )
    lines = explain_person(home, person, zone=ZONE)
    assert lines[0].startswith(f"person {person}: {count} identifiers")
    others = ("browser ", "refused: ", "employment ", "attribute ")
    tree = [line for line in lines[1:] if not line.startswith(others)]
    assert len(tree) == count
    joined = [line for line in tree if "+- " in line]
    assert joined and all(" by " in line and " at " in line and "link " in line for line in joined)


def test_the_path_between_two_identifiers_of_a_person_names_rule_and_line(home: Home) -> None:
    left, right = one(
        home,
        "select left_identifier, right_identifier from identity.identity_links "
        "where rule_id = 'crm_lead_email' order by 1 limit 1",
    )
    lines = explain_link(home, left, right, zone=ZONE)
    assert lines[0] == left
    assert lines[1].startswith(f"   -> {right}  by address of the CRM lead (0.99)")
    assert ".csv:" in lines[1]
    assert explain_link(home, left, left, zone=ZONE) == [left]


def test_two_people_have_no_path_and_are_told_so(home: Home) -> None:
    left, right = one(
        home,
        "select min(identifier), max(identifier) from identity.person_identifiers "
        "where identifier_kind = 'email'",
    )
    assert (
        "no accepted link joins them" in explain_link(home, left, right.removeprefix("email:"), zone=ZONE)[0]
    )


def test_a_refused_claim_is_shown_with_its_reason(home: Home) -> None:
    left, right, reason = one(
        home,
        "select left_identifier, right_identifier, reason from identity.identity_refusals "
        "order by link_id limit 1",
    )
    assert any(reason in line for line in explain_link(home, left, right, zone=ZONE)[1:])


def test_a_route_names_the_unit_the_rule_and_who_agreed(home: Home) -> None:
    person, unit, rule = one(
        home, "select person_id, owner_unit_id, rule_id from routing.fct_lead_routes order by 1 limit 1"
    )
    text = "\n".join(explain_route(home, person, zone=ZONE))
    assert f"accountable: {unit} (" in text
    assert f"rule {rule} (" in text and "agreed by Marketing and sales board" in text
    (stranger,) = one(
        home,
        "select person_id from identity.dim_people where person_id not in "
        "(select person_id from routing.fct_lead_routes) order by 1 limit 1",
    )
    assert "is not routed" in explain_route(home, stranger, zone=ZONE)[0]


def test_an_unknown_identifier_is_a_sentence_with_its_mend(home: Home) -> None:
    with pytest.raises(Trouble, match="never seen: write it as"):
        explain_link(home, "email:nobody@nowhere.example", "card:x|y", zone=ZONE)
