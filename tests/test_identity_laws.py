"""What must hold of identity whatever comes, held on the identity stage alone (identity_stage.py)."""

import os
import random
from dataclasses import replace
from datetime import timedelta
from hashlib import md5
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from identity_stage import BEGINNING, Decision, Sighting, Stage, invented
from test_connected_components import union_find

EXAMPLES = 20 if os.environ.get("IKUSEI_LONG_TESTS") else 1
FIXED = {
    "deadline": None,
    "derandomize": True,
    "phases": [Phase.generate],
    "suppress_health_check": list(HealthCheck),
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return Stage(tmp_path_factory.mktemp("identity"))


def decided(seed: int, links: list[tuple[str, str, str]], how_many: int = 1000) -> list[Decision]:
    """Random words on links, most of them on few, so that one is decided upon again and again."""
    chance = random.Random(seed)
    disputed = chance.sample(links, min(60, len(links)))
    return [
        Decision(
            link,
            chance.choice(["reject", "reject", "restore", "accept"]),
            BEGINNING + timedelta(minutes=chance.randrange(10**6)),
            left,
            right,
        )
        for link, left, right in (chance.choice(disputed) for _ in range(how_many))
    ]


def known_links(stage: Stage) -> list[tuple[str, str, str]]:
    return stage.rows(
        "select link_id, left_identifier, right_identifier from int_identity_claims "
        "where refused_because is null order by link_id"
    )


def check_that_nothing_rejected_is_joined(stage: Stage) -> int:
    """How many links are rejected; none of them has its two ends in one person."""
    rejected = stage.rows(
        "select link_id, left_identifier, right_identifier from int_identity_claims where is_rejected"
    )
    people = stage.people()
    joined = [link for link, left, right in rejected if people[left] == people[right]]
    assert not joined, f"{len(joined)} of {len(rejected)} rejected links join all the same"
    return len(rejected)


def check_that_links_make_people(stage: Stage) -> None:
    """A person is what the links hold together, no less and no more; every other claim has a reason."""
    people = stage.people()
    links = stage.rows("select left_identifier, right_identifier from identity_links")
    together = union_find([*links, *((identifier, identifier) for identifier in people)])
    pairs = {(together[identifier], person) for identifier, person in people.items()}
    assert len(pairs) == len(set(together.values())) == len(set(people.values()))
    claims, told = stage.rows(
        "select (select count(*) from int_claims_judged), (select count(*) from identity_links) "
        "+ (select count(*) from identity_refusals where reason is not null)"
    )[0]
    assert claims == told


@settings(max_examples=EXAMPLES, **FIXED)
@given(world=st.integers(0, 10**6), words=st.integers(0, 10**6), deal=st.randoms(use_true_random=False))
def test_a_thousand_decisions_and_imports_in_any_order_end_in_one_state(
    stage: Stage, world: int, words: int, deal: random.Random
) -> None:
    records = invented(world)
    stage.holds(records)
    stage.built(full_refresh=True)
    decisions = decided(words, known_links(stage))
    stage.holds(records, decisions)
    expected = stage.built(full_refresh=True)
    assert check_that_nothing_rejected_is_joined(stage) > 5
    check_that_links_make_people(stage)

    arrivals = [*records, *decisions]
    deal.shuffle(arrivals)
    cuts = sorted(deal.sample(range(1, len(arrivals)), 2))
    for number, upto in enumerate([*cuts, len(arrivals)]):
        come = arrivals[:upto]
        stage.holds(
            [one for one in come if isinstance(one, Sighting)],
            [one for one in come if isinstance(one, Decision)],
        )
        found = stage.built(full_refresh=number == 0)
        check_that_nothing_rejected_is_joined(stage)
    different = [name for name in expected if expected[name] != found[name]]
    assert not different, f"{different} depend on the order"


def named(identifier: str) -> str:
    """The id of a person who is named after this identifier."""
    return md5(identifier.encode()).hexdigest()


def strangers(records: list[Sighting]) -> list[Sighting]:
    """The same story told of people nobody knows."""
    return [
        replace(
            record,
            row_key="s" + record.row_key,
            email=record.email and "stranger-" + record.email.replace("@", "@other-"),
            crm_lead=record.crm_lead and "S" + record.crm_lead,
            mail_token=record.mail_token and "s" + record.mail_token,
            phone=record.phone and record.phone.replace("+813", "+816"),
            company_key=record.company_key and "S" + record.company_key,
        )
        for record in records
    ]


def later(records: list[Sighting], days: int) -> list[Sighting]:
    return [
        replace(record, row_key=f"l{days}{record.row_key}", seen_at=record.seen_at + timedelta(days=days))
        for record in records
    ]


@settings(max_examples=EXAMPLES, **FIXED)
@given(world=st.integers(0, 10**6))
def test_an_id_survives_all_that_does_not_concern_its_person(stage: Stage, world: int) -> None:
    records, others = invented(world, 120), invented(world + 1, 60)
    stage.forgets_its_runs()
    stage.holds(records)
    stage.built(full_refresh=True)
    first = stage.people()
    names = {named(identifier): identifier for identifier in first}
    assert set(first.values()) <= set(names), "a person is named after one of its own identifiers"

    # Strangers, also of long ago, and the same records once more: nobody is touched.
    stage.holds([*records, *later(strangers(others), -3000), *later(records, 0)])
    stage.built()
    untouched = stage.people()
    assert {identifier: untouched[identifier] for identifier in first} == first

    # Whatever is seen later: an id gives way only to one of somebody known earlier, by a merge.
    seen = dict(stage.rows("select identifier, first_seen_at from int_identifiers_first_seen"))
    stage.holds([*records, *later(others, 1000)])
    stage.built()
    after = stage.people()
    for person in set(first.values()):
        if (
            "mail_token:" not in names[person]
        ):  # whoever is only a mail's reader is named by his first address
            present = names.get(after[names[person]])
            assert present, "a later record named somebody anew"
            assert seen[present] <= seen[names[person]]

    # Records of long ago may name people anew; who shares nothing with them keeps his id.
    stage.holds([*records, *later(others, 1000), *later(others[:5], -3000)])
    stage.built()
    late = stage.people()
    touched = {after[one] for one, person in late.items() if after.get(one, person) != person}
    assert len(touched) < len(set(after.values())) / 2
    check_that_every_change_is_told(stage, [first, untouched, after, late])


def check_that_every_change_is_told(stage: Stage, states: list[dict[str, str]]) -> None:
    """Each change of an identifier's person is a row, and every id that ever was leads to somebody of now."""
    changes = stage.rows(
        "select identifier, former_person_id, person_id, current_person_id, cause from person_id_changes"
    )
    told = {(identifier, former, person) for identifier, former, person, _, _ in changes}
    for before, after in pairwise(states):
        moved = {
            (one, person, after[one]) for one, person in before.items() if after.get(one, person) != person
        }
        assert moved <= told
    today = set(states[-1].values())
    leads_to = {(former, current) for _, former, _, current, _ in changes}
    assert len(leads_to) == len({former for former, _ in leads_to}), "one former id leads to two people"
    assert {current for _, current in leads_to if current} <= today


def test_a_merge_a_split_and_a_merge_again_are_told_with_their_cause(stage: Stage) -> None:
    """Sato asks from home, then from work; a form joins both, a word parts them, another joins them again."""
    home = Sighting("r1", BEGINNING, email="sato@home.example", phone="+81311", person_name="佐藤一郎")
    work = Sighting("r2", BEGINNING + timedelta(days=1), email="sato@work.example", crm_lead="L1")
    both = Sighting(
        "r3", BEGINNING + timedelta(days=2), phone="+81311", person_name="佐藤一郎", crm_lead="L1"
    )
    me, other = named("email:sato@home.example"), named("crm_lead:L1")
    stage.forgets_its_runs()
    stage.holds([home, work])
    stage.built(full_refresh=True)
    assert set(stage.people().values()) == {me, other}
    stage.holds([home, work, both])
    joined = stage.built()
    assert set(stage.people().values()) == {me}
    ((link,),) = stage.rows("select link_id from identity_links where rule_id = 'crm_lead_phone'")
    stage.holds([home, work, both], [Decision(link, "reject", BEGINNING)])
    stage.built()
    assert set(stage.people().values()) == {me, other}
    restored = [Decision(link, "reject", BEGINNING), Decision(link, "restore", BEGINNING + timedelta(1))]
    stage.holds([home, work, both], restored)
    assert stage.built() == joined
    causes = stage.rows(
        "select distinct split_part(cause, ':', 1), former_person_id, person_id, current_person_id, "
        "changed_at "
        "from person_id_changes order by changed_at"
    )
    assert [cause[:-1] for cause in causes] == [
        ("merge", other, me, me),
        ("split", me, other, me),
        ("merge", other, me, me),
    ]


def test_a_rejected_link_parts_its_two_sides_whatever_else_joins_them(stage: Stage) -> None:
    """Father and son share phone, name and employer; only the address tells them apart."""
    father = Sighting("r1", BEGINNING, "a@x.example", "L1", None, "森健", "+81311", "X")
    son = Sighting("r2", BEGINNING, "b@gmail.com", "L2", None, "森健", "+81311", "X")
    stage.holds([father, son])
    stage.built(full_refresh=True)
    assert len(set(stage.people().values())) == 1
    ((link,),) = stage.rows(
        "select link_id from identity_links where rule_id = 'same_record_email_phone' "
        "and left_identifier = 'email:b@gmail.com'"
    )
    stage.holds([father, son], [Decision(link, "reject", BEGINNING)])
    stage.built()
    people = stage.people()
    assert people["email:b@gmail.com"] != people["phone_name:+81311|森健"]
    assert people["email:b@gmail.com"] == people["crm_lead:L2"], "what is strongest stays together"
    assert people["email:a@x.example"] == people["phone_name:+81311|森健"] == people["crm_lead:L1"]
    reasons = stage.rows("select distinct reason from identity_refusals where reason like 'it would join%'")
    assert len(reasons) == 1
    check_that_links_make_people(stage)


def test_every_claim_has_its_evidence_and_shared_boxes_join_nobody(stage: Stage) -> None:
    boxes = ["info@x.example", "test@x.example", "no-reply@x.example"]
    records = [
        Sighting(
            f"b{number}{box}", BEGINNING, box, f"L{number}{box}", None, f"人{number}{box}", f"+8131{number}"
        )
        for box in boxes
        for number in range(3)
    ]
    stage.holds([*invented(7), *records])
    stage.built(full_refresh=True)
    people = stage.people()
    assert len({people[f"crm_lead:L{number}{box}"] for box in boxes for number in range(3)}) == 9
    ((never,),) = stage.rows("select count(*) from identity_refusals where reason like '%never joins%'")
    assert never >= 9
    for mart in ("identity_links", "identity_refusals"):
        ((claims, told),) = stage.rows(
            "select count(*), count(*) filter (where rule_id is not null and confidence between 0 and 1 "
            "and first_claimed_at is not null and evidence_row_key in (select row_key from int_sightings)) "
            f"from {mart}"
        )
        assert claims == told > 0
