-- Each KPI beside its truth. A count that is nought has no cell in the marts. Marts keep six decimals: amounts are equal
-- to that, and errors have five digits.
with
    kpis as (select * from funnel.kpi_catalogue where name_ja is not null),

    cells as (
        select
            truths.kpi_id,
            truths.period,
            truths.numerator as true_numerator,
            truths.denominator as true_denominator,
            truths.numerator / coalesce(nullif(truths.denominator, 0), case when truths.denominator is null then 1 end)
            as truth,
            cast(cells.numerator as double) as numerator,
            cast(cells.denominator as double) as denominator,
            cells.value
        from true_kpis as truths
        left join funnel.fct_kpis as cells
            on truths.kpi_id = cells.kpi_id
            and truths.period = cells.period
            and truths.segment_kind = cells.segment_kind
            and truths.segment_id = cells.segment_id
        where truths.numerator is not null
    ),

    judged as (
        select
            *,
            case
                when true_denominator is null and abs(coalesce(value, 0) - truth) <= 0.000001 then 0
                when truth = 0 then cast(coalesce(value, 0) <> 0 as integer)
                else round(abs(coalesce(value, 0) - truth) / abs(truth), 5)
            end as error
        from cells
        -- a rate of nothing has no truth
        where truth is not null
    ),

    summed as (
        select
            kpi_id,
            count(*) as periods,
            case
                when count(true_denominator) > 0
                then sum(coalesce(numerator, 0)) / nullif(sum(coalesce(denominator, 0)), 0)
                when count(distinct period) = 1 then max(value)
                else sum(coalesce(value, 0))
            end as measured,
            case
                when count(true_denominator) > 0 then sum(true_numerator) / nullif(sum(true_denominator), 0)
                when count(distinct period) = 1 then max(truth)
                else sum(truth)
            end as truth,
            avg(error) as error_mean,
            max(error) as error_worst
        from judged
        group by kpi_id
    ),

    newest as (
        select kpi_id, max_by(value, period) as value
        from funnel.fct_kpis
        where segment_kind = 'all'
        group by kpi_id
    )

select
    kpis.kpi_id,
    kpis.name_ja,
    kpis.name_en,
    kpis.unit,
    coalesce(summed.periods, 0) as periods,
    round(coalesce(summed.measured, case when summed.kpi_id is null then newest.value end), 9) as measured,
    round(summed.truth, 9) as truth,
    round(summed.error_mean, 9) as error_mean,
    summed.error_worst,
    case when summed.kpi_id is null
        then coalesce(notes.note_ja, kpis.missing_data_ja, 'この世界は真の値を持たない') else notes.note_ja end as note_ja,
    case when summed.kpi_id is null
        then coalesce(notes.note_en, kpis.missing_data, 'This world holds no truth of it') else notes.note_en end as note_en
from kpis
left join summed on kpis.kpi_id = summed.kpi_id
left join newest on kpis.kpi_id = newest.kpi_id
left join kpi_notes as notes on kpis.kpi_id = notes.kpi_id
order by summed.kpi_id is null, summed.error_worst desc, summed.error_mean desc, kpis.kpi_id
