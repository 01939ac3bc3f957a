with

    consents as (select * from {{ ref("fct_consents") }}),

    -- A word spoken outranks a card handed over, whenever; among equals the last one
    -- counts, and of two at one moment the refusal.
    ranked_of_identifier as (
        select
            *,
            row_number() over (
                partition by person_id, identifier, channel
                order by
                    is_explicit desc,
                    occurred_at desc,
                    case when status = 'denied' then 0 else 1 end,
                    consent_event_id
            ) as rank_of_identifier
        from consents
        where person_id is not null
    ),

    -- when two records turn out to be one person, the strictest wins (CN03)
    ranked_of_person as (
        select
            *,
            row_number() over (
                partition by person_id, channel
                order by
                    case when status = 'denied' then 0 else 1 end,
                    occurred_at desc,
                    consent_event_id
            ) as rank_of_person
        from ranked_of_identifier
        where rank_of_identifier = 1
    ),

    strictest as (
        select person_id, channel, status, consent_event_id, occurred_at as decided_at
        from ranked_of_person
        where rank_of_person = 1
    )

select *
from strictest
