"""The proof of the routing rules, against a walk in plain Python over the same attributes.

The SQL is that of the models as dbt compiles it; the judge below reads the rules as a person would and shares
nothing with it. Rule files are mutated by seed, so a failure can be repeated.
"""

from __future__ import annotations

import csv
import itertools
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from orchestration import routing_check
from orchestration.home import PROJECT, Home
from orchestration.run import Clocks

TIMES = Clocks("2026-10-31", "9999-12-31 00:00:00", "Asia/Tokyo")
RULES = PROJECT / "models/6_routing"
MUTANTS = 500 if os.environ.get("IKUSEI_LONG_TESTS") else 40
UNITS = [
    ("area-east", "area", "east", None), ("area-west", "area", "west,north", "licence"),
    ("acct-makers", "account", "製造業", None), ("prod-crm", "product", "crm", None),
    ("prod-erp", "product", "erp", "other,licence"), ("desk", None, None, None),
]  # fmt: skip
STRUCTURE = [("product", None, 1), ("account", None, 2), ("area", "account", 2)]
BANDS = [("hot", 50), ("warm", 20), ("cold", None)]
FORMS = ("inquiry", "quote")
RELATIONS = ("none", "company", "department", "person")
LICENSED = {"erp": "licence"}  # product -> the skill that its advice asks for
CLAIMANTS = ("acct-makers", "area-west", "prod-erp")  # one unit for each set of skills stands for the others
SKILLS = {unit: set((skills or "").split(",")) for unit, _, _, skills in UNITS}
FLAGS = ("is_known_department", "is_known_person", "has_bought_product", "is_interest_ambiguous")
COLUMNS = [
    "rule_id", "structure_id", "priority", "form_kind", "product_id", "solution_id", "account", "area",
    "is_existing_company", *FLAGS, "min_relation", "is_claimed", "min_score_band", "accountable_cut",
    "accountable_unit_id", "decider", "credit_split", "agreed_by", "agreed_on", "expires_on",
]  # fmt: skip
Rule = dict[str, Any]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("routing"))


@pytest.fixture(scope="module")
def walked(home: Home) -> tuple[routing_check.RoutingCheck, dict[str, str]]:
    """What is found in the rules that ship, and the models' SQL as dbt ran it, by name."""
    checked = routing_check.check_routing(home, TIMES)
    folder = home.dbt_target / "compiled/ikusei/models/6_routing"
    names = ("int_rules_in_force", "int_routing_cases", "int_routing_case_rules", "routing_findings")
    return checked, {name: (folder / f"{name}.sql").read_text(encoding="utf-8") for name in names}


def test_the_rules_in_force_give_everybody_one_owner(
    walked: tuple[routing_check.RoutingCheck, dict[str, str]],
) -> None:
    """RT08 and moonshot 7, on the rules that ship."""
    checked, _ = walked
    assert checked.cases > 10_000 and not checked.faults
    assert {(f["finding_kind"], f["subject_id"]) for f in checked.findings} == {
        ("expired", "R15"), ("unagreed", "R18"),
    }  # fmt: skip


def test_a_rule_file_without_its_last_rules_shows_who_falls_through(home: Home, tmp_path: Path) -> None:
    changed = tmp_path / "rules"
    changed.mkdir()
    text = (RULES / "routing_rules.csv").read_text(encoding="utf-8")
    kept = [line for line in text.splitlines() if not line.startswith(("R99", "R90"))]
    (changed / "routing_rules.csv").write_text("\n".join(kept) + "\n", encoding="utf-8")
    checked = routing_check.check_routing(home, TIMES, rules=changed)
    (gap,) = checked.faults
    assert gap["finding_kind"] == "gap" and gap["cases"] > 0
    lines = routing_check.as_lines(checked)
    assert any("have no owner: add a rule that takes them; for example one who" in line for line in lines)


@pytest.mark.parametrize("seed", range(MUTANTS))
def test_a_mutated_rule_file_is_judged_as_a_walk_in_python_judges_it(
    walked: tuple[routing_check.RoutingCheck, dict[str, str]], seed: int
) -> None:
    rules = mutated(random.Random(seed))
    found = findings_in_sql(walked[1], rules)
    assert found == findings_by_walking(rules), rules


# -- rule files ------------------------------------------------------------------------------------


def rule(rule_id: str, priority: int, **conditions: Any) -> Rule:
    blank: Rule = dict.fromkeys(COLUMNS)
    agreed = {"agreed_by": "board", "agreed_on": "2025-04-01", "credit_split": "owner:60,account:40"}
    return blank | {"rule_id": rule_id, "priority": priority} | agreed | conditions


SOUND = [
    rule("A", 10, form_kind="quote", accountable_cut="product"),
    rule("B", 20, form_kind="inquiry", is_existing_company=True, accountable_cut="account"),
    rule("C", 30, product_id="crm", accountable_cut="product"),
    rule("H", 35, is_claimed=True, accountable_cut="claim"),
    rule("D", 40, account="製造業", accountable_unit_id="acct-makers"),
    rule("E", 70, min_score_band="hot"),
    rule("F", 90, min_score_band="hot", accountable_unit_id="desk"),
    rule("G", 99, accountable_unit_id="desk"),
]


def mutated(dice: random.Random) -> list[Rule]:
    """A sound rule file after one to four careless edits."""
    rules = [dict(each) for each in SOUND]
    for _ in range(dice.randint(1, 4)):
        edit, victim = dice.choice(EDITS), dice.randrange(len(rules))
        edit(rules, victim, dice)
    return rules


def drop(rules: list[Rule], victim: int, dice: random.Random) -> None:
    if len(rules) > 1:
        rules.pop(victim)


def repeat(rules: list[Rule], victim: int, dice: random.Random) -> None:
    rules.append(rules[victim] | {"rule_id": f"Z{len(rules)}", "accountable_unit_id": dice.choice(UNITS)[0]})


def move(rules: list[Rule], victim: int, dice: random.Random) -> None:
    rules[victim]["priority"] = dice.choice([10, 20, 30, 40, 70, 99])


def widen(rules: list[Rule], victim: int, dice: random.Random) -> None:
    rules[victim][dice.choice(["form_kind", "product_id", "account", "min_score_band"])] = None


def narrow(rules: list[Rule], victim: int, dice: random.Random) -> None:
    column, value = dice.choice(
        [("product_id", "erp"), ("area", "north"), ("account", "製造業"), ("is_existing_company", False),
         ("min_relation", "department"), *((flag, True) for flag in FLAGS), ("is_known_person", False),
         ("is_claimed", False), ("is_claimed", True)]
    )  # fmt: skip
    rules[victim][column] = value


def expire(rules: list[Rule], victim: int, dice: random.Random) -> None:
    rules[victim]["expires_on"] = dice.choice(["2026-10-30", "2026-10-31"])


def disagree(rules: list[Rule], victim: int, dice: random.Random) -> None:
    rules[victim]["agreed_by"] = None


def misname(rules: list[Rule], victim: int, dice: random.Random) -> None:
    column = dice.choice(["accountable_unit_id", "accountable_cut"])
    rules[victim][column] = "nobody"


def pay_wrongly(rules: list[Rule], victim: int, dice: random.Random) -> None:
    rules[victim]["credit_split"] = dice.choice([None, "owner:100,account:40", "owner:sixty"])


EDITS = (drop, repeat, move, widen, narrow, expire, disagree, misname, pay_wrongly)


# -- the product -----------------------------------------------------------------------------------


def findings_in_sql(compiled: dict[str, str], rules: list[Rule]) -> set[tuple[Any, ...]]:
    with duckdb.connect() as con:
        con.execute(
            "attach ':memory:' as warehouse; use warehouse; create schema routing; create schema scoring"
        )
        con.execute("create table routing.sales_units (unit_id text, cut text, covers text, skills text)")
        con.executemany("insert into routing.sales_units values (?, ?, ?, ?)", UNITS)
        con.execute("create table routing.product_skills (product_id text, skill text)")
        con.executemany("insert into routing.product_skills values (?, ?)", list(LICENSED.items()))
        con.execute("create table routing.relation_levels (relation text, relation_rank int)")
        con.executemany(
            "insert into routing.relation_levels values (?, ?)", [(r, n) for n, r in enumerate(RELATIONS)]
        )
        con.execute(
            "create table routing.routing_structures (structure_id text, cut text, contained_in text, "
            "precedence int)"
        )
        con.executemany("insert into routing.routing_structures values ('1+2+4', ?, ?, ?)", STRUCTURE)
        con.execute(
            "create table routing.ownership_claims (claim_id text, company_domain text, "
            "department_category text, crm_lead_id text, product_id text, unit_id text, valid_from date, "
            "valid_to date)"
        )
        con.execute("create table routing.areas as select * from (values ('east'), ('west')) as a (area)")
        con.execute("create table routing.routing_requests (form_kind text)")
        con.executemany("insert into routing.routing_requests values (?)", [(form,) for form in FORMS])
        con.execute("create table scoring.score_bands (band_kind text, band text, min_score int)")
        con.executemany("insert into scoring.score_bands values ('total', ?, ?)", BANDS)
        types = {
            "priority": "int",
            **dict.fromkeys(("is_existing_company", *FLAGS, "is_claimed"), "boolean"),
            "agreed_on": "date",
            "expires_on": "date",
        }
        columns = ", ".join(f"{column} {types.get(column, 'text')}" for column in [*COLUMNS, "why"])
        con.execute(f"create table routing.routing_rules ({columns})")
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        con.executemany(
            f"insert into routing.routing_rules values ({marks})",
            [[*(each[column] for column in COLUMNS), "why"] for each in rules],
        )
        for name, sql in compiled.items():
            con.execute(f"create table routing.{name} as {sql}")
        rows = con.execute("select finding_kind, subject_id, other_id, cases from routing.routing_findings")
        return {
            (kind, subject, None if kind == "unreachable" else other, 0 if kind == "unreachable" else cases)
            for kind, subject, other, cases in rows.fetchall()
        }


# -- the judge -------------------------------------------------------------------------------------


def findings_by_walking(rules: list[Rule]) -> set[tuple[Any, ...]]:
    live = [each for each in rules if each["agreed_by"] and (each["expires_on"] or "9999") >= "2026-10-31"]
    found: set[tuple[Any, ...]] = set()
    for each in rules:
        if not each["agreed_by"]:
            found.add(("unagreed", each["rule_id"], None, 0))
        elif each not in live:
            found.add(("expired", each["rule_id"], None, 0))
    for each in live:
        if each["accountable_unit_id"] == "nobody":
            found.add(("unknown_unit", each["rule_id"], "nobody", 0))
        if each["accountable_cut"] == "nobody":
            found.add(("unknown_cut", each["rule_id"], "nobody", 0))
        if each["is_interest_ambiguous"] and not each["decider"]:
            found.add(("no_decider", each["rule_id"], None, 0))
        parts = [part.split(":")[1] for part in (each["credit_split"] or "").split(",") if part]
        if (credit := sum(int(part) for part in parts if part.isdigit())) != 100:
            found.add(("bad_credit", each["rule_id"], str(credit), 0))
    gaps, ties, reached = 0, {}, set()
    for case in every_case(live):
        fitting = sorted(
            ((each["priority"], each["rule_id"], owner) for each in live if (owner := owner_of(each, case))),
        )
        if not fitting:
            gaps += needs_owner(case)
            continue
        priority, first, owner = fitting[0]
        reached.add(first)
        for other_priority, other, other_owner in fitting[1:]:
            if other_priority == priority and other_owner != owner:
                ties[first, other] = ties.get((first, other), 0) + 1
    found |= {("gap", None, None, gaps)} if gaps else set()
    found |= {("tie", *pair, cases) for pair, cases in ties.items()}
    found |= {("unreachable", each["rule_id"], None, 0) for each in live if each["rule_id"] not in reached}
    return found


def every_case(live: list[Rule]) -> Iterator[dict[str, Any]]:
    def values(column: str, *known: str) -> list[str | None]:
        return [*sorted({*known, *(each[column] for each in live if each[column])}), None]

    asked = [(True, form) for form in values("form_kind", *FORMS)]
    told_apart = [
        (True, False) if any(each[flag] is not None for each in live) else (False,) for flag in FLAGS
    ]
    is_minded = any(each["is_claimed"] is not None or each["accountable_cut"] == "claim" for each in live)
    relations = sorted({"none", *(each["min_relation"] for each in live if each["min_relation"])})
    for case in itertools.product(
        [*asked, (False, None)], values("product_id", "crm", "erp"), values("solution_id"),
        values("account", "製造業"), values("area", "east", "west", "north"), (True, False), BANDS,
        relations, (None, *CLAIMANTS) if is_minded else (None,), *told_apart,
    ):  # fmt: skip
        (
            (has_asked, form),
            product,
            solution,
            account,
            area,
            existing,
            (band, _),
            relation,
            claimant,
            *flags,
        ) = case
        yield {
            "has_asked": has_asked, "form_kind": form, "product_id": product, "solution_id": solution,
            "account": account, "area": area, "is_existing_company": existing, "band": band,
            "relation": relation, "claimant": claimant, **dict(zip(FLAGS, flags, strict=True)),
        }  # fmt: skip


def needs_owner(case: dict[str, Any]) -> bool:
    return case["has_asked"] or case["band"] == "hot"


def owner_of(each: Rule, case: dict[str, Any]) -> str | None:
    """Whom the rule names for the case; None when it does not fit, nobody is there or nobody may advise."""
    owner = named_by(each, case)
    needed = LICENSED.get(case["product_id"])
    return owner if needed is None or needed in SKILLS.get(owner, ()) else None


def named_by(each: Rule, case: dict[str, Any]) -> str | None:
    asks = ("form_kind", "product_id", "solution_id", "account", "area", "is_existing_company", *FLAGS)
    if RELATIONS.index(case["relation"]) < RELATIONS.index(each["min_relation"] or "none"):
        return None
    if any(each[column] is not None and each[column] != case[column] for column in asks):
        return None
    if each["is_claimed"] not in (None, case["claimant"] is not None):
        return None
    floor = {"hot": 50, "warm": 20}
    bar = each["min_score_band"]
    if not (case["has_asked"] if bar is None else floor.get(case["band"], 0) >= floor[bar]):
        return None
    if each["accountable_cut"] == "claim":
        return case["claimant"]
    if each["accountable_unit_id"]:
        return each["accountable_unit_id"]
    product = {"crm": "prod-crm", "erp": "prod-erp"}.get(case["product_id"])
    area = {"east": "area-east", "west": "area-west", "north": "area-west"}.get(case["area"])
    account = "acct-makers" if case["account"] == "製造業" else area  # the office stands inside the account
    places = {"product": product, "account": account, None: product or account}
    return places.get(each["accountable_cut"])


def test_two_units_that_claim_the_same_are_named(home: Home, tmp_path: Path) -> None:
    changed = tmp_path / "rules"
    changed.mkdir()
    text = (RULES / "ownership_claims.csv").read_text(encoding="utf-8")
    rival = text.splitlines()[1].replace("C01", "C02").replace("acct-manufacturing", "prod-erp")
    (changed / "ownership_claims.csv").write_text(text.rstrip("\n") + f"\n{rival}\n", encoding="utf-8")
    checked = routing_check.check_routing(home, TIMES, rules=changed)
    (clash,) = checked.faults
    assert (clash["finding_kind"], clash["subject_id"], clash["other_id"]) == ("claims_clash", "C01", "C02")
    assert any("C01 and C02 claim the same" in line for line in routing_check.as_lines(checked))


def test_the_judge_knows_the_columns_of_the_rule_file() -> None:
    with (RULES / "routing_rules.csv").open(encoding="utf-8", newline="") as file:
        assert set(COLUMNS) <= set(next(csv.reader(file)))
