"""What a line of business wants to know of people is three lines of CSV, and no SQL.

A pet shop asks in its survey which pet somebody has. One line says which question tells it, one how long the
answer holds, one what it is worth.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb
from orchestrated import AS_OF, first_run

from orchestration import transform
from orchestration.as_of import copy_raw
from orchestration.home import ALL_KNOWN, DEFAULT_ZONE, PROJECT, Home
from orchestration.what_if import laid_out

LINES = {
    "attribute_packs": "pet_shop,pet,pet%,true,Who has a pet feeds it,飼えば餌が要る",
    "attribute_rules": "pet,false,365,3650,ペット,pet,A cat lives fifteen years",
    "scoring_rules": "default,fit_pet_cat,fit,,,pet,%猫%,2.5,,,,,,猫,cat,Eats what we sell,食べる",
}
# The second belongs to the insurance pack, which comes with the product.
ANSWERS = {"pet_kind": "猫と犬", "contract_end": "2027年3月"}
ANSWERED = """
insert into raw_surveys.answers
select * replace (
    $question || ' answer' as row_key, $question || ' answer' as answer_id, 'pets' as survey_id,
    $question as question_id, '' as question, $answer as answer,
    timestamp '2026-10-20 03:00:00' as answered_at,
    $email as email, null as lead_id, null as visitor_id, null as mail_token, null as phone,
    null as person_name, null as company_key
)
from raw_surveys.answers
limit 1
"""


def pack(folder: Path) -> Path:
    """The three rule files with one line more each, laid out as the project."""
    folder.mkdir()
    changed = []
    for name, line in LINES.items():
        (in_force,) = (PROJECT / "models").rglob(f"{name}.csv")
        file = folder / in_force.name
        file.write_text(f"{in_force.read_text(encoding='utf-8')}{line}\n", encoding="utf-8")
        changed.append(file)
    return laid_out(changed, folder / "project")


def answered(home: Home, side: Path) -> str:
    """Put the answers of somebody known by address into a copy of the raw rows; gives the person_id."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        person, email = connection.execute(
            "select person_id, email from identity.dim_people where email is not null and not is_internal "
            "and first_seen_at < timestamp '2026-10-01' order by person_id limit 1"
        ).fetchone()
    with duckdb.connect(str(copy_raw(home.warehouse, side))) as connection:
        for question, answer in ANSWERS.items():
            connection.execute(ANSWERED, {"email": email, "question": question, "answer": answer})
    return person


def test_a_new_attribute_is_lines_of_csv_and_counts_from_the_day_it_was_told(tmp_path: Path) -> None:
    home, _ = first_run()
    side = tmp_path / home.warehouse.name
    person = answered(home, side)
    clocks = {"as_of": AS_OF, "known_at": ALL_KNOWN, "zone": DEFAULT_ZONE, "full_refresh": True}
    transform.build(
        side,
        home.dbt_target,
        **clocks,
        select=["+int_fit_points", "+person_attributes", "+int_person_dates"],
        rules=pack(tmp_path / "pack"),
        with_tests=False,
    )
    with duckdb.connect(str(side), read_only=True) as connection:
        points = connection.execute(
            "select person_id, points, evidence, valid_from::text from scoring.int_fit_periods "
            "where rule_id = 'fit_pet_cat'"
        ).fetchall()
        waited_for = connection.execute("select * from lifecycle.int_person_dates").fetchall()
        told = connection.execute(
            "select person_id, attribute_value, is_winner from identity.person_attributes "
            "where attribute = 'pet'"
        ).fetchall()
    assert [(who, float(worth), *rest) for who, worth, *rest in points] == [
        (person, 2.5, "pet = 猫と犬", "2026-10-20")
    ]
    assert told == [(person, "猫と犬", True)]
    # A scenario waits for this day; nobody has to do anything more for it to come.
    assert waited_for == [(person, "contract_end", "2027年3月", date(2027, 3, 31))]
