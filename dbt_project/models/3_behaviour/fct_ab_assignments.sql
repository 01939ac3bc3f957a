with

    assignments as (select * from {{ ref("stg_ab__assignments") }}),
    records as (select * from {{ ref("record_identifiers") }} where source = 'ab'),
    identifiers as (select * from {{ ref("person_identifiers") }}),
    spans as (select * from {{ ref("visitor_spans") }}),

    assignments_of_people as (
        select
            assignments.row_key as assignment_id,
            assignments.experiment_id,
            assignments.variant,
            assignments.assigned_at,
            assignments.time_precision,
            coalesce(identifiers.person_id, spans.person_id) as person_id,
            assignments.visitor_id,
            coalesce(
                records.identifier, 'mail_token:' || assignments.mail_token
            ) as identifier,
            assignments.campaign_id
        from assignments
        left join records on assignments.row_key = records.row_key
        left join
            identifiers
            on coalesce(records.identifier, 'mail_token:' || assignments.mail_token)
            = identifiers.identifier
        left join
            spans
            on assignments.visitor_id = spans.visitor_id
            and assignments.assigned_at >= spans.span_from
            and assignments.assigned_at < spans.span_to
    ),

    units_named as (
        select
            *,
            coalesce(
                'person:' || person_id, 'visitor:' || visitor_id, identifier
            ) as unit
        from assignments_of_people
    ),

    units_counted as (
        select experiment_id, unit, count(distinct variant) > 1 as saw_several_variants
        from units_named
        group by experiment_id, unit
    ),

    -- What a person did counts from the first time that the variant was shown; who saw
    -- two variants proves nothing for either.
    assignments_ranked as (
        select
            units_named.*,
            units_counted.saw_several_variants,
            row_number() over (
                partition by
                    units_named.experiment_id, units_named.unit, units_named.variant
                order by units_named.assigned_at, units_named.assignment_id
            )
            = 1 as is_first
        from units_named
        inner join
            units_counted
            on units_named.experiment_id = units_counted.experiment_id
            and units_named.unit = units_counted.unit
    )

select
    assignment_id,
    experiment_id,
    variant,
    assigned_at,
    time_precision,
    person_id,
    visitor_id,
    identifier,
    campaign_id,
    is_first,
    saw_several_variants
from assignments_ranked
