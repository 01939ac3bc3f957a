{#
  Every KPI of the catalogue, for the whole and for the members of each cut. What is counted comes from the models
  int_kpi_amounts_*; what is divided by what say kpis/*.yml. A cut that the denominator does not know (form kinds have no
  visitors of their own) is divided by the whole of the period.
#}
with

    kpis as (select * from {{ ref("kpi_catalogue") }} where name_ja is not null),

    amounts as (select * from {{ ref("fct_kpi_amounts") }}),

    -- which cuts a measure knows
    cuts as (select distinct measure, segment_kind from amounts),

    -- the cells of a ratio: the cuts that both its parts know, and of rates of visitors
    -- those that only the numerator knows
    places as (
        select
            kpis.kpi_id,
            amounts.period,
            amounts.segment_kind,
            amounts.segment_id,
            false as is_of_whole
        from kpis
        inner join amounts on kpis.denominator_measure = amounts.measure
        left join
            cuts
            on kpis.measure = cuts.measure
            and amounts.segment_kind = cuts.segment_kind
        where cuts.measure is not null or amounts.segment_kind = 'all'
        union
        select
            kpis.kpi_id,
            amounts.period,
            amounts.segment_kind,
            amounts.segment_id,
            cuts.measure is null
        from kpis
        inner join amounts on kpis.measure = amounts.measure
        left join
            cuts
            on kpis.denominator_measure = cuts.measure
            and amounts.segment_kind = cuts.segment_kind
        where
            kpis.denominator_measure is not null
            and (cuts.measure is not null or kpis.denominator_measure = 'visitors')
    ),

    cells as (
        select
            kpis.kpi_id,
            amounts.period,
            amounts.segment_kind,
            amounts.segment_id,
            amounts.amount as numerator,
            cast(null as decimal(28, 9)) as denominator
        from kpis
        inner join amounts on kpis.measure = amounts.measure
        where kpis.denominator_measure is null
        union all
        select
            places.kpi_id,
            places.period,
            places.segment_kind,
            places.segment_id,
            coalesce(above.amount, 0),
            coalesce(
                case when places.is_of_whole then whole.amount else below.amount end, 0
            )
        from places
        inner join kpis on places.kpi_id = kpis.kpi_id
        left join
            amounts as above
            on kpis.measure = above.measure
            and places.period = above.period
            and places.segment_kind = above.segment_kind
            and places.segment_id = above.segment_id
        left join
            amounts as below
            on kpis.denominator_measure = below.measure
            and places.period = below.period
            and places.segment_kind = below.segment_kind
            and places.segment_id = below.segment_id
        left join
            amounts as whole
            on kpis.denominator_measure = whole.measure
            and places.period = whole.period
            and whole.segment_kind = 'all'
    )

select
    {{ surrogate_key(["kpi_id", "period", "segment_kind", "segment_id"]) }}
    as kpi_cell_id,
    kpi_id,
    period,
    segment_kind,
    segment_id,
    numerator,
    denominator,
    case
        when denominator is null
        then cast(numerator as double)
        else cast(numerator as double) / nullif(cast(denominator as double), 0)
    end as value
from cells
