-- Does the score order people as the hidden hazard of an opportunity does? Spearman's
-- coefficient: the correlation of ranks, equal values sharing their mean rank. Beside it,
-- what hazard the people of each band truly have. Who has an opportunity already is with
-- sales and waits for no score.
with
    hazards_now as (
        select person_key, hazard_30d, hazard_90d
        from truth.hazards as hazards
        where
            month = date_trunc('month', getvariable('as_of'))
            and not exists (
                select 1 from truth.opportunities as opportunities
                where opportunities.person_key = hazards.person_key
                    and opportunities.created_at < getvariable('as_of_end')
            )
    ),
    people as (
        select
            hazards_now.hazard_30d,
            hazards_now.hazard_90d,
            scores.total_score,
            scores.behaviour_score,
            scores.timing_30d,
            scores.timing_90d,
            scores.score_band
        from hazards_now
        inner join person_ids on hazards_now.person_key = person_ids.person_key
        inner join scoring.fct_lead_scores as scores on person_ids.person_id = scores.person_id
    ),
    comparisons as (
        select 'total_score_hazard_30d' as measure, total_score as score, hazard_30d as hazard from people
        union all
        select 'total_score_hazard_90d', total_score, hazard_90d from people
        union all
        select 'behaviour_score_hazard_30d', behaviour_score, hazard_30d from people
        union all
        select 'behaviour_score_hazard_90d', behaviour_score, hazard_90d from people
        union all
        select 'timing_hazard_30d', timing_30d, hazard_30d from people
        union all
        select 'timing_hazard_90d', timing_90d, hazard_90d from people
    ),
    -- Ten groups of equal size in the order of the forecast: how far its mean lies from the true mean.
    forecasts as (
        select '30d' as horizon, cast(timing_30d as double) as forecast, hazard_30d as hazard from people
        union all
        select '90d', cast(timing_90d as double), hazard_90d from people
    ),
    forecasts_grouped as (
        select *, ntile(10) over (partition by horizon order by forecast, hazard) as tenth
        from forecasts
        where forecast is not null and hazard is not null
    ),
    tenths as (
        select horizon, tenth, abs(avg(forecast) - avg(hazard)) as off_by, count(*) as n
        from forecasts_grouped
        group by horizon, tenth
    ),
    calibration_errors as (
        select 'timing_calibration_error_' || horizon as measure, sum(off_by * n) / sum(n) as value, sum(n) as n
        from tenths
        group by horizon
    ),
    ranked as (
        select
            measure,
            rank() over (partition by measure order by score)
            + (count(*) over (partition by measure, score) - 1) / 2 as score_rank,
            rank() over (partition by measure order by hazard)
            + (count(*) over (partition by measure, hazard) - 1) / 2 as hazard_rank
        from comparisons
        where score is not null and hazard is not null
    ),
    correlations as (
        select 'rank_correlation_' || measure as measure, corr(score_rank, hazard_rank) as value, count(*) as n
        from ranked
        group by measure
    ),
    bands as (
        select score_band, avg(hazard_90d) as hazard, count(*) as n from people group by score_band
    ),
    hotter_bands as (
        select bands.hazard > colder.hazard as is_right, least(bands.n, colder.n) as n
        from bands
        inner join scoring.score_bands as bars
            on bars.band_kind = 'total' and bands.score_band = bars.band
        inner join scoring.score_bands as lower_bars
            on lower_bars.band_kind = 'total' and lower_bars.min_score < bars.min_score
        inner join bands as colder on lower_bars.band = colder.score_band
    )
select measure, null as trouble, if(isnan(value), null, value) as value, n from correlations
union all
select measure, null, value, n from calibration_errors
union all
select 'hazard_90d_' || score_band, null, hazard, n from bands
union all
select 'band_order', null, avg(cast(is_right as integer)), count(*) from hotter_bands
