{#
  What fails: a KPI of the catalogue whose measures no model counts and that does not say which data it waits for, or one
  that says so and is counted all the same. Why it matters: a catalogue is believed while each entry is a number or an
  honest gap (K28).
#}
with

    kpis as (select * from {{ ref("kpi_catalogue") }} where name_ja is not null),

    measures as (select distinct measure from {{ ref("fct_kpi_amounts") }}),

    anything as (select count(*) as measures from measures)

select kpis.kpi_id
from kpis
cross join anything
left join measures on kpis.measure = measures.measure
where
    -- an empty warehouse counts nothing, and that is right
    anything.measures > 0
    and kpis.missing_data is not null
    and measures.measure is not null
