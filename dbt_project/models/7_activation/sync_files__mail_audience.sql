{# LM05, SY04: whom the mail tool writes to next, with what; one row a person, so that a tool can keep its list equal to it. #}
with

    decisions as (
        select *
        from {{ ref("fct_scenario_decisions") }}
        where channel = 'email' and action = 'send_mail'
    ),

    people as (select * from {{ ref("dim_people") }} where email is not null),

    interests as (
        select *
        from {{ ref("fct_lead_interests") }}
        where interest_kind = 'product' and interest_rank = 1
    ),

    scores as (select * from {{ ref("fct_lead_scores") }}),

    consents as (select * from {{ ref("lead_consents") }} where channel = 'email'),

    addresses as (select * from {{ ref("int_addresses_failing") }}),

    blocks as (select * from {{ ref("int_mail_blocks") }}),

    audience as (
        select
            people.person_id as sync_key,
            people.person_id,
            people.email,
            people.display_name,
            people.company_name,
            decisions.segment_id,
            decisions.scenario_id,
            decisions.content,
            decisions.tier,
            decisions.state,
            scores.grade,
            interests.interest_id as top_product,
            coalesce(consents.status, 'unknown') as consent_status,
            coalesce(consents.status, 'unknown') <> 'granted'
            or people.is_internal
            or blocks.block_id is not null
            or addresses.reason is not null as is_suppressed,
            case
                when people.is_internal
                then 'internal'
                when coalesce(consents.status, 'unknown') <> 'granted'
                then 'no consent'
                when blocks.block_id is not null
                then 'do not contact ' || blocks.block_id
                when addresses.reason is not null
                then 'address ' || addresses.reason
            end as suppression_reason
        from decisions
        inner join people on decisions.person_id = people.person_id
        left join interests on people.person_id = interests.person_id
        left join scores on people.person_id = scores.person_id
        left join consents on people.person_id = consents.person_id
        left join addresses on people.email = addresses.email
        left join blocks on people.person_id = blocks.person_id
    )

select *
from audience
