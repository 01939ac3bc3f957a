"""A world in which it is known what leads to an opportunity, and ten rule sets of known worth in it.

The worth of a deed is read from the hidden hazard: how much likelier an opportunity truly is for those who
did it in the last thirty days. A rule set is a mixture of these points with points for the employer's name,
which no hazard knows of; from one that has the truth alone to one that has it upside down.
"""

from __future__ import annotations

import csv
import shutil
import tempfile
from datetime import date
from functools import cache
from hashlib import md5
from pathlib import Path

import duckdb

from ingestion.world import make, read_settings
from orchestration import ingest, state, transform
from orchestration.home import ALL_KNOWN, DEFAULT_ZONE, PROJECT, Home
from orchestration.what_if import COMPARED, Judgement, judge

AS_OF, HORIZON_DAYS = "2026-10-31", 30
# What of the truth is in each set; the rest is noise. Beginning with the best.
MIXTURES = (1.0, 0.05, 0.025, 0.014, 0.006, -0.007, -0.016, -0.03, -0.06, -1.0)
RULES = PROJECT / "models" / "4_scoring" / "scoring_rules.csv"
# From the rules to the scores of past days.
SCORING = (
    "int_rules_in_use",
    "int_touch_points",
    "int_points_by_day",
    "int_score_sums",
    "int_fit_periods",
    "fct_score_history",
)
# Readers of the newsletter never want anything here. Else as in `world.yml`, but that most people are known
# by name and that many wait long, so that four hundred of them say something.
SETTINGS = {
    "population": {"anonymous_per_person": 1, "origins": {"card": 10, "form": 90, "customer": 4, "shop": 0}},
    "growth": {
        "visitors": 1.0,
        "leads": 1.0,
        "opportunity_rate": [0.5, 0.5],
        "opportunity_lag_days": [120, 120],
        "card_opportunity_share": 1.0,
        "newsletter_opportunity_share": 0,
    },
}
SOURCES = ("web", "forms", "email", "lists", "crm")
_kept = tempfile.TemporaryDirectory(prefix="ikusei-planted-")

# The truth at the ends of months about those who have no opportunity yet.
HAZARDS = """
create or replace temp table hazards as
select keys.person_id, last_day(hazards.month) as told_on, hazards.hazard_30d as hazard
from '{truth}/hazards.parquet' as hazards
inner join (
    select distinct identifiers.person_id, people.person_key
    from identity.person_identifiers as identifiers
    inner join '{truth}/people.parquet' as people
        on identifiers.identifier = 'email:' || lower(people.email)
    where people.kind = 'prospect'
) as keys on hazards.person_key = keys.person_key
left join '{truth}/opportunities.parquet' as opportunities on hazards.person_key = opportunities.person_key
where opportunities.created_at is null or opportunities.created_at >= last_day(hazards.month) + 1
"""
# How much likelier an offer is asked for by those who did this within 30 days than by all.
WORTH = """
with
    deeds as (
        select distinct touches.person_id, touches.touch_type,
            cast(touches.occurred_at + interval 9 hour as date) as done_on
        from behaviour.fct_touches as touches
        inner join behaviour.touch_types as types on touches.touch_type = types.touch_type
        where touches.person_id is not null and not touches.is_machine and types.is_reaction
    ),
    told as (
        select distinct deeds.touch_type, hazards.person_id, hazards.told_on, hazards.hazard
        from hazards
        inner join deeds on hazards.person_id = deeds.person_id
            and deeds.done_on between hazards.told_on - 29 and hazards.told_on
    )
select touch_type, avg(hazard) - (select avg(hazard) from hazards)
from told
group by touch_type
having count(*) >= 10
order by touch_type
"""
# The share of pairs that the scores put in the right order, each pair weighed by its true chance to be one:
# what the AUC would be on average, if these months could be lived many times.
TRUE_AUC = """
with
    days as (
        select distinct scored_on from scoring.int_score_days
        where day_use = 'month' and scored_on + $horizon <= date '{as_of}'
    ),
    done as (
        select person_id, min(cast(occurred_at + interval 9 hour as date)) as reached_on
        from behaviour.fct_touches
        where touch_type in ('opportunity_created', 'order_placed') and person_id is not null
        group by person_id
    ),
    people as (
        select history.scored_on, history.person_id, history.total_score as score,
            coalesce(max_by(hazards.hazard, hazards.told_on), 0) as hazard
        from scoring.fct_score_history as history
        inner join days on history.scored_on = days.scored_on
        inner join identity.dim_people as people
            on history.person_id = people.person_id and not people.is_internal
        left join hazards on history.person_id = hazards.person_id
            and hazards.told_on between history.scored_on - 31 and history.scored_on + 2
        left join done on history.person_id = done.person_id
        where done.reached_on is null or done.reached_on > history.scored_on
        group by all
    )
select sum(one.hazard * (1 - other.hazard)
        * case when one.score > other.score then 1 when one.score = other.score then 0.5 else 0 end)
    / sum(one.hazard * (1 - other.hazard))
from people as one
inner join people as other on one.scored_on = other.scored_on and one.person_id <> other.person_id
"""


@cache
def planted() -> Home:
    """A home with the world's marts built; the truth lies in `truth/` beside it."""
    folder = Path(_kept.name) / "world"
    settings = {"troubles": dict.fromkeys(read_settings()["troubles"], 0), **SETTINGS}
    make(folder, people=400, days=400, seed=5, until=date.fromisoformat(AS_OF), settings=settings)
    for source in (folder / "landing").iterdir():
        if source.name not in SOURCES:
            shutil.rmtree(source)
    home = Home(folder / "home").prepare()
    ingest.ingest(home, landing=folder / "landing", zone=DEFAULT_ZONE)
    built(
        home, "resource_type:seed", "+fct_tier_history", "+fct_handoffs", *(f"+{mart}" for mart in COMPARED)
    )
    stand = state.Built(
        run_id="planted",
        as_of=AS_OF,
        known_at=ALL_KNOWN,
        zone=DEFAULT_ZONE,
        rules_digest=state.rules_digest(PROJECT),
        loaded_through=None,
    )
    state.write(home.run_state, state.RunState(stand))
    return home


def built(home: Home, *select: str, warehouse: Path | None = None) -> None:
    """Build a part of the marts, in the home's warehouse or in a copy of it."""
    transform.build(
        warehouse or home.warehouse,
        home.dbt_target,
        as_of=AS_OF,
        known_at=ALL_KNOWN,
        zone=DEFAULT_ZONE,
        full_refresh=True,
        select=select,
        with_tests=False,
    )


def truth(home: Home) -> Path:
    return home.root.parent / "truth"


def judged(warehouse: Path) -> Judgement:
    """The product's back-test of the scores in a warehouse."""
    with duckdb.connect() as connection:
        connection.execute(f"attach '{warehouse}' as {warehouse.stem} (read_only)")
        return judge(connection, warehouse.stem, DEFAULT_ZONE, HORIZON_DAYS)


def true_auc(home: Home, warehouse: Path) -> float:
    """How good the scores in a warehouse truly are, by the hazard and not by what happened to happen."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        connection.execute(HAZARDS.format(truth=truth(home)))
        found = connection.execute(TRUE_AUC.format(as_of=AS_OF), {"horizon": HORIZON_DAYS})
        return found.fetchone()[0]


def rescored(home: Home, rules: Path, name: str) -> Path:
    """A copy of the warehouse with the scores of a folder's rules, by the SQL that dbt has compiled."""
    copy = home.root / name / home.warehouse.name
    copy.parent.mkdir()
    shutil.copyfile(home.warehouse, copy)
    compiled = home.dbt_target / "compiled" / "ikusei" / "models" / "4_scoring"
    with duckdb.connect(str(copy)) as connection:
        connection.execute("truncate scoring.scoring_rules")
        lines = f"read_csv('{rules / RULES.name}', all_varchar = true)"
        connection.execute(f"insert into scoring.scoring_rules by name from {lines}")
        for model in SCORING:
            sql = (compiled / f"{model}.sql").read_text(encoding="utf-8")
            connection.execute(f"create or replace table scoring.{model} as {sql}")
    return copy


@cache
def worths(home: Home) -> dict[str, float]:
    """Touch type -> how much likelier (0 to 1) an opportunity truly is for those who did it lately."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        connection.execute(HAZARDS.format(truth=truth(home)))
        return dict(connection.execute(WORTH).fetchall())


def plant(home: Home, mixture: float, folder: Path) -> Path:
    """A folder with one rule set: `mixture` of the truth, the rest noise."""
    with duckdb.connect(str(home.warehouse), read_only=True) as connection:
        names = connection.execute(
            "select distinct company_name from identity.dim_people where company_name is not null order by 1"
        ).fetchall()
    rules = [_deed(touch_type, 100 * mixture * worth) for touch_type, worth in worths(home).items()]
    rules += [_employer(name, 20 * (1 - abs(mixture))) for (name,) in names]
    return written([rule for rule in rules if float(rule["points"])], folder)


def written(rules: list[dict[str, str]], folder: Path) -> Path:
    """A folder with these scoring rules."""
    folder.mkdir(parents=True)
    with RULES.open(encoding="utf-8", newline="") as file:
        columns = next(csv.reader(file))
    with (folder / RULES.name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="", lineterminator="\n")
        writer.writeheader()
        writer.writerows(rules)
    return folder


def _deed(touch_type: str, points: float) -> dict[str, str]:
    """Up to three deeds of thirty days count."""
    return {
        "rule_set": "default",
        "rule_id": touch_type,
        "score_kind": "behaviour",
        "touch_type": touch_type,
        "points": f"{points:.6f}",
        "window_days": "30",
        "cap_points": f"{3 * points:.6f}",
        "why": "planted",
    }


def _employer(name: str, most: float) -> dict[str, str]:
    """Points from 0 to `most` by nothing but the name."""
    key = md5(name.encode()).hexdigest()
    return {
        "rule_set": "default",
        "rule_id": f"employer_{key[:12]}",
        "score_kind": "fit",
        "attribute": "company_name",
        "attribute_pattern": name,
        "points": f"{most * int(key[:4], 16) / 0xFFFF:.6f}",
        "why": "planted",
    }
