{# The catalogue as people read it; parts of ratios stay behind it. #}
with

    kpis as (select * from {{ ref("kpi_catalogue") }} where name_ja is not null),

    cells as (
        select kpi_id, count(*) as cells
        from {{ ref("fct_kpis") }}
        where value is not null
        group by kpi_id
    )

select
    kpis.kpi_id,
    kpis.name_ja,
    kpis.name_en,
    kpis.family,
    kpis.formula_ja,
    kpis.formula_en,
    kpis.unit,
    kpis.grain,
    kpis.clock,
    kpis.clock_ja,
    kpis.exclusions,
    kpis.exclusions_ja,
    kpis.requirements,
    kpis.agreed_by,
    cast(kpis.agreed_on as date) as agreed_on,
    kpis.missing_data,
    kpis.missing_data_ja,
    kpis.definition_version,
    cast(coalesce(cells.cells, 0) as bigint) as cells
from kpis
left join cells on kpis.kpi_id = cells.kpi_id
