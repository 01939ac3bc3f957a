{# K22, K24: people of whom a seller wrote that they bought from a rival (outcome_reasons.csv), with the first such day. #}
with

    activities as (select * from {{ ref("stg_crm__activities") }}),

    outcome_reasons as (select * from {{ ref("outcome_reasons") }}),

    person_identifiers as (select * from {{ ref("person_identifiers") }}),

    reasons_ranked as (
        select
            activities.*,
            outcome_reasons.is_lost_to_rival,
            row_number() over (
                partition by activities.row_key order by outcome_reasons.priority
            ) as best_first
        from activities
        inner join outcome_reasons on activities.outcome like outcome_reasons.pattern
    )

select
    person_identifiers.person_id,
    {{ local_date("min(reasons_ranked.occurred_at)") }} as lost_on
from reasons_ranked
inner join
    person_identifiers
    on 'crm_lead:' || reasons_ranked.lead_id = person_identifiers.identifier
where reasons_ranked.best_first = 1 and reasons_ranked.is_lost_to_rival
group by person_identifiers.person_id
