{# Minutes of browsing that still belong to the one who made himself known, before and after. #}
{%- set margin = var("session_timeout_minutes") -%}

with

    claims as (select * from {{ ref("int_visitor_claims") }} where not is_rejected),

    neighbours as (
        select
            *,
            lag(person_id) over (
                partition by visitor_id order by claimed_at, person_id, row_key
            ) as person_before
        from claims
    ),

    turns_numbered as (
        select
            *,
            sum(case when person_id = person_before then 0 else 1 end) over (
                partition by visitor_id
                order by claimed_at, person_id, row_key
                rows between unbounded preceding and current row
            ) as turn_number
        from neighbours
    ),

    -- A turn is a stretch of claims for one person. A cookie whose claims agree has
    -- one turn.
    turns as (
        select
            visitor_id,
            turn_number,
            person_id,
            min(claimed_at) as first_claimed_at,
            max(claimed_at) as last_claimed_at,
            max(confidence) as confidence,
            cast(count(*) as bigint) as claim_count,
            min(row_key) as evidence_row_key
        from turns_numbered
        group by visitor_id, turn_number, person_id
    ),

    turns_bounded as (
        select
            *,
            lead(first_claimed_at) over (
                partition by visitor_id order by turn_number
            ) as next_claimed_at,
            lag(last_claimed_at) over (
                partition by visitor_id order by turn_number
            ) as previous_claimed_at
        from turns
    ),

    -- The visit around a claim goes to its person; between two people the time beyond
    -- both visits stays nobody's, and where their visits touch, the middle parts them:
    -- what leads up to a form belongs to who sends it.
    spans_ended as (
        select
            *,
            case
                when next_claimed_at is null
                then cast('9999-12-31' as timestamp)
                else
                    least(
                        {{ plus_minutes("last_claimed_at", margin) }},
                        {{ middle_of("last_claimed_at", "next_claimed_at") }}
                    )
            end as span_to
        from turns_bounded
    ),

    spans as (
        select
            visitor_id,
            turn_number,
            case
                when previous_claimed_at is null
                then cast('1900-01-01' as timestamp)
                else
                    greatest(
                        {{ plus_minutes("first_claimed_at", "-" ~ margin) }},
                        {{ middle_of("previous_claimed_at", "first_claimed_at") }}
                    )
            end as span_from,
            span_to,
            person_id,
            confidence,
            first_claimed_at,
            claim_count,
            evidence_row_key
        from spans_ended
    )

select *
from spans
where span_from < span_to
