"""What if, for routing: from two warehouses side by side to leads, credit and load of each sales unit.

    before.routing.*, after.routing.*  ->  twelve months of real leads, routed by both rule sets, unit by unit

A lead's expected opportunity is what became of leads like it (asked or ripe, same score band) under the rules
in force, where these are old enough to tell; the same lead is worth the same wherever it is routed, so the
sums differ by who gets what alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any

import duckdb

MONTHS = 12
FEWEST_LEADS = 20  # of one kind: with fewer, the share of all leads stands in
KNOWN_AFTER_DAYS = 90  # a younger lead may still become an opportunity

UNITS = """
with
    clock as (select max(as_of) as today from before.scoring.fct_lead_scores),
    leads_before as (
        select routes.*, handoffs.opportunity_created_at
        from before.routing.fct_lead_routes as routes
        inner join before.routing.fct_handoffs as handoffs on routes.route_id = handoffs.route_id
    ),
    old_enough as (
        select
            trigger_touch_type, score_band, opportunity_created_at is not null as is_hit
        from leads_before, clock
        where routed_at < cast(clock.today as timestamp) - interval 1 day * $known_after
    ),
    kinds as (
        select trigger_touch_type, score_band, count(*) as leads, avg(cast(is_hit as integer)) as share
        from old_enough
        group by all
        having count(*) >= $fewest
    ),
    overall as (select avg(cast(is_hit as integer)) as share, count(*) as leads from old_enough),
    routed as (
        select 'before' as side, route_id, owner_unit_id, routed_at, trigger_touch_type, score_band
        from before.routing.fct_lead_routes
        union all
        select 'after', route_id, owner_unit_id, routed_at, trigger_touch_type, score_band
        from after.routing.fct_lead_routes
    ),
    recent as (
        select
            routed.side,
            routed.route_id,
            routed.owner_unit_id as unit_id,
            routed.routed_at at time zone 'UTC' at time zone $zone as routed_at,
            coalesce(kinds.share, overall.share, 0) as chance
        from routed
        cross join clock
        cross join overall
        left join kinds
            on routed.trigger_touch_type is not distinct from kinds.trigger_touch_type
            and routed.score_band is not distinct from kinds.score_band
        where routed.routed_at >= cast(clock.today as timestamp) - interval 1 month * $months
    ),
    credits as (
        select 'before' as side, route_id, unit_id, credit_pct from before.routing.fct_lead_credits
        union all
        select 'after', route_id, unit_id, credit_pct from after.routing.fct_lead_credits
    ),
    credited as (
        select credits.side, credits.unit_id, sum(credits.credit_pct) / 100.0 as credit
        from credits
        inner join recent on credits.side = recent.side and credits.route_id = recent.route_id
        group by all
    ),
    units as (
        select 'before' as side, unit_id, capacity_per_month from before.routing.sales_units
        union all
        select 'after', unit_id, capacity_per_month from after.routing.sales_units
    ),
    days as (
        select side, unit_id, cast(date_trunc('month', routed_at) as date) as month,
            cast(routed_at as date) as day, count(*) as leads
        from recent
        group by all
    ),
    days_filled as (
        select *, sum(leads) over (partition by side, unit_id, month order by day) as month_to_date
        from days
    ),
    loads as (
        select days_filled.side, days_filled.unit_id, max(days_filled.month_to_date) as busiest_month,
            count(*) filter (where days_filled.month_to_date > units.capacity_per_month) as days_exceeded
        from days_filled
        inner join units on days_filled.side = units.side and days_filled.unit_id = units.unit_id
        group by all
    ),
    counted as (
        select side, unit_id, count(*) as leads, sum(chance) as expected,
            sum(chance * (1 - chance)) as variance
        from recent
        group by all
    ),
    sides as (
        select units.side, units.unit_id, units.capacity_per_month,
            coalesce(counted.leads, 0) as leads, coalesce(counted.expected, 0) as expected,
            coalesce(counted.variance, 0) as variance, coalesce(credited.credit, 0) as credit,
            coalesce(loads.busiest_month, 0) as busiest_month,
            coalesce(loads.days_exceeded, 0) as days_exceeded
        from units
        left join counted on units.side = counted.side and units.unit_id = counted.unit_id
        left join credited on units.side = credited.side and units.unit_id = credited.unit_id
        left join loads on units.side = loads.side and units.unit_id = loads.unit_id
    )
select
    unit_id,
    coalesce(sum(leads) filter (where side = 'before'), 0)::bigint as leads_before,
    coalesce(sum(leads) filter (where side = 'after'), 0)::bigint as leads_after,
    coalesce(sum(expected) filter (where side = 'before'), 0)::double as expected_before,
    coalesce(sum(expected) filter (where side = 'after'), 0)::double as expected_after,
    coalesce(sum(variance) filter (where side = 'before'), 0)::double as variance_before,
    coalesce(sum(variance) filter (where side = 'after'), 0)::double as variance_after,
    coalesce(sum(credit) filter (where side = 'before'), 0)::double as credit_before,
    coalesce(sum(credit) filter (where side = 'after'), 0)::double as credit_after,
    coalesce(max(busiest_month) filter (where side = 'before'), 0)::bigint as busiest_month_before,
    coalesce(max(busiest_month) filter (where side = 'after'), 0)::bigint as busiest_month_after,
    coalesce(max(days_exceeded) filter (where side = 'before'), 0)::bigint as days_exceeded_before,
    coalesce(max(days_exceeded) filter (where side = 'after'), 0)::bigint as days_exceeded_after,
    (select leads from overall) as leads_judged
from sides
group by unit_id
order by unit_id
"""


@dataclass(frozen=True)
class UnitLoad:
    """One sales unit over twelve months of leads, under the rules in force and the changed ones.

    `expected` counts opportunities, `margin` is half of their 95 % interval; `credit` counts leads by their
    shares; `busiest_month` is the most leads of a calendar month, `days_exceeded` the days on which a month
    had already brought more than capacity_per_month. `leads_judged` says on how many leads the chances rest.
    """

    unit_id: str
    leads_before: int
    leads_after: int
    expected_before: float
    expected_after: float
    margin_before: float
    margin_after: float
    credit_before: float
    credit_after: float
    busiest_month_before: int
    busiest_month_after: int
    days_exceeded_before: int
    days_exceeded_after: int
    leads_judged: int

    @property
    def is_overloaded(self) -> bool:
        """The changed rules bring more than the unit can take on more days than before."""
        return self.days_exceeded_after > self.days_exceeded_before

    @property
    def is_changed(self) -> bool:
        pairs = (
            (self.leads_before, self.leads_after),
            (self.expected_before, self.expected_after),
            (self.credit_before, self.credit_after),
            (self.days_exceeded_before, self.days_exceeded_after),
        )
        return any(round(before, 9) != round(after, 9) for before, after in pairs)


def unit_loads(connection: duckdb.DuckDBPyConnection, zone: str) -> tuple[UnitLoad, ...]:
    """Each unit of two attached warehouses `before` and `after`, in order of the alphabet."""
    values = {
        "zone": zone,
        "months": MONTHS,
        "fewest": FEWEST_LEADS,
        "known_after": KNOWN_AFTER_DAYS,
    }
    found = connection.execute(UNITS, values)
    names = [column[0] for column in found.description]
    return tuple(_load(dict(zip(names, row, strict=True))) for row in found.fetchall())


def _load(row: dict[str, Any]) -> UnitLoad:
    for side in ("before", "after"):
        row[f"margin_{side}"] = 1.96 * sqrt(row.pop(f"variance_{side}"))
    return UnitLoad(**row)


def as_lines(units: Sequence[UnitLoad]) -> list[str]:
    """The units that would have more or less, for a terminal; those who lose first."""
    changed = sorted(
        (unit for unit in units if unit.is_changed),
        key=lambda unit: (unit.leads_after - unit.leads_before, unit.unit_id),
    )
    return [
        f"  {len(changed)} units would have more or less over {MONTHS} months" + (":" if changed else ""),
        *map(_line, changed),
    ]


def _line(unit: UnitLoad) -> str:
    few = "" if unit.leads_judged >= FEWEST_LEADS else " (件数不足)"
    overload = f"  OVERLOADED on {unit.days_exceeded_after} days" if unit.is_overloaded else ""
    return (
        f"    {unit.unit_id:<20} leads {unit.leads_before} -> {unit.leads_after}; "
        f"expected opportunities {unit.expected_before:.1f} -> {unit.expected_after:.1f} "
        f"(±{unit.margin_after:.1f}){few}; credit {unit.credit_before:.1f} -> {unit.credit_after:.1f}; "
        f"busiest month {unit.busiest_month_before} -> {unit.busiest_month_after}{overload}"
    )


def as_rows(units: Sequence[UnitLoad]) -> list[Mapping[str, Any]]:
    """The changed units for a table of a pull request, figures rounded."""
    told: Callable[[float], str] = "{:.1f}".format
    return [
        {
            "unit": unit.unit_id,
            "leads before": unit.leads_before,
            "leads after": unit.leads_after,
            "expected opportunities before": f"{told(unit.expected_before)} ± {told(unit.margin_before)}",
            "expected opportunities after": f"{told(unit.expected_after)} ± {told(unit.margin_after)}",
            "credit before": told(unit.credit_before),
            "credit after": told(unit.credit_after),
            "days over capacity before": unit.days_exceeded_before,
            "days over capacity after": f"{unit.days_exceeded_after}{' OVERLOADED' * unit.is_overloaded}",
        }
        for unit in units
        if unit.is_changed
    ]
