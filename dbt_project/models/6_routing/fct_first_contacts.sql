{#
  The first time that sales spoke with each person: how far the person had come on the way to buying by the day before,
  whether the person had asked for it, and what became of it. Too early is who had not asked and had not come to the
  stage that routing_parameters.csv names (first_contact_stage).
#}
with

    touches as (select * from {{ ref("fct_touches") }} where person_id is not null),
    people as (select * from {{ ref("dim_people") }} where not is_internal),
    stages as (select * from {{ ref("fct_buying_stages") }}),
    consents as (select * from {{ ref("fct_consents") }} where status = 'denied'),
    parameters as (
        select *
        from {{ ref("routing_parameters") }}
        where parameter = 'first_contact_stage'
    ),
    contact_types as (
        select evidence_value as touch_type
        from {{ ref("handoff_signals") }}
        where signal = 'contacted' and evidence = 'touch'
    ),
    request_types as (select distinct touch_type from {{ ref("routing_requests") }}),

    contacts_ranked as (
        select
            touches.person_id,
            touches.touch_id,
            touches.touch_type,
            touches.occurred_at,
            {{ local_date("touches.occurred_at") }} as contacted_on,
            row_number() over (
                partition by touches.person_id
                order by touches.occurred_at, touches.touch_id
            ) as oldest_first
        from touches
        inner join contact_types on touches.touch_type = contact_types.touch_type
        inner join people on touches.person_id = people.person_id
    ),
    contacts as (select * from contacts_ranked where oldest_first = 1),

    requests as (
        select touches.person_id, min(touches.occurred_at) as asked_at
        from touches
        inner join request_types on touches.touch_type = request_types.touch_type
        where not touches.is_machine
        group by touches.person_id
    ),

    -- Beforehand: what sales itself does on the day is no sign of the person.
    contacts_and_stages as (
        select
            contacts.person_id,
            contacts.touch_id,
            contacts.touch_type,
            contacts.occurred_at,
            contacts.contacted_on,
            stages.buying_stage,
            coalesce(stages.stage_number, 0) as stage_number,
            coalesce(requests.asked_at <= contacts.occurred_at, false) as had_asked
        from contacts
        left join
            stages
            on contacts.person_id = stages.person_id
            and stages.valid_from < contacts.contacted_on
            and (stages.valid_to is null or stages.valid_to >= contacts.contacted_on)
        left join requests on contacts.person_id = requests.person_id
    ),

    days_until as (
        select
            contacts.person_id,
            min(
                {{
                    dbt.datediff(
                        "contacts.contacted_on",
                        local_date("touches.occurred_at"),
                        "day",
                    )
                }}
            ) as days_to_opportunity
        from contacts
        inner join
            touches
            on contacts.person_id = touches.person_id
            and touches.touch_type = 'opportunity_created'
            and touches.occurred_at >= contacts.occurred_at
        group by contacts.person_id
    ),

    days_until_refusal as (
        select
            contacts.person_id,
            min(
                {{
                    dbt.datediff(
                        "contacts.contacted_on",
                        local_date("consents.occurred_at"),
                        "day",
                    )
                }}
            ) as days_to_refusal
        from contacts
        inner join
            consents
            on contacts.person_id = consents.person_id
            and consents.occurred_at >= contacts.occurred_at
        group by contacts.person_id
    )

select
    contacts_and_stages.person_id,
    contacts_and_stages.touch_id,
    contacts_and_stages.touch_type as contact_type,
    contacts_and_stages.occurred_at as contacted_at,
    contacts_and_stages.buying_stage,
    cast(contacts_and_stages.stage_number as integer) as stage_number,
    contacts_and_stages.had_asked,
    not contacts_and_stages.had_asked
    and contacts_and_stages.stage_number < parameters.amount as is_premature,
    {{ age_in_days("contacts_and_stages.occurred_at") }} >= 90 as is_judged_90d,
    coalesce(days_until.days_to_opportunity <= 90, false) as has_opportunity_in_90d,
    coalesce(days_until_refusal.days_to_refusal <= 90, false) as refused_in_90d
from contacts_and_stages
cross join parameters
left join days_until on contacts_and_stages.person_id = days_until.person_id
left join
    days_until_refusal on contacts_and_stages.person_id = days_until_refusal.person_id
