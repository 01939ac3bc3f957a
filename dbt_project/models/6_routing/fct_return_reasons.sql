with

    handoffs as (
        select * from {{ ref("fct_handoffs") }} where return_reason_id is not null
    ),

    reasons as (select * from {{ ref("return_reasons") }}),

    routes as (select * from {{ ref("fct_lead_routes") }}),

    return_reasons_counted as (
        select
            handoffs.owner_unit_id as unit_id,
            handoffs.return_reason_id as reason_id,
            routes.rule_id,
            routes.score_band,
            count(*) as returned
        from handoffs
        inner join routes on handoffs.route_id = routes.route_id
        group by
            handoffs.owner_unit_id,
            handoffs.return_reason_id,
            routes.rule_id,
            routes.score_band
    )

select
    return_reasons_counted.unit_id,
    return_reasons_counted.reason_id,
    return_reasons_counted.rule_id,
    return_reasons_counted.score_band,
    reasons.name_ja as reason_name_ja,
    reasons.name_en as reason_name_en,
    coalesce(reasons.is_about_fit, false) as is_about_fit,
    coalesce(reasons.is_about_timing, false) as is_about_timing,
    return_reasons_counted.returned
from return_reasons_counted
left join reasons on return_reasons_counted.reason_id = reasons.reason_id
