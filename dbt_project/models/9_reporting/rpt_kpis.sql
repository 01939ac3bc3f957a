{# Every KPI with its names, ready for a page or a file. #}
with

    cells as (select * from {{ ref("fct_kpis") }}),

    kpis as (select * from {{ ref("kpi_catalogue") }}),

    cohorts as (select * from {{ ref("fct_cohorts") }}),

    -- an age is mature for a cohort or not; other cells of a cohort are mature with it
    mature as (
        select cohort_month, max(case when is_mature then age_months end) as age_months
        from cohorts
        group by cohort_month
    )

select
    cells.kpi_cell_id,
    cells.kpi_id,
    kpis.name_ja,
    kpis.name_en,
    kpis.family,
    kpis.unit,
    kpis.grain,
    cells.period,
    cells.segment_kind,
    cells.segment_id,
    cast(cells.numerator as double) as numerator,
    cast(cells.denominator as double) as denominator,
    cells.value,
    case
        when kpis.grain = 'cohort'
        then coalesce(mature.age_months >= {{ var("cohort_months") }}, false)
    end as is_mature
from cells
inner join kpis on cells.kpi_id = kpis.kpi_id
left join mature on kpis.grain = 'cohort' and cells.period = mature.cohort_month
