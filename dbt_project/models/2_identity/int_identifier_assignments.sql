{# A ledger of runs, not of facts: it remembers what earlier runs said, so it is never rebuilt. #}
{{
    config(
        materialized="incremental", incremental_strategy="append", full_refresh=false
    )
}}

with

    identifiers as (select * from {{ ref("person_identifiers") }}),

    {% if is_incremental() %}
        assignments_ranked as (
            select
                identifier,
                person_id,
                row_number() over (
                    partition by identifier order by assigned_at desc, person_id
                ) as recency
            from {{ this }}
        ),

        assignments_before as (
            select identifier, person_id from assignments_ranked where recency = 1
        ),
    {% else %}
        assignments_before as (
            select identifier, person_id from identifiers where 1 = 0
        ),
    {% endif %}

    assignments_new as (
        select
            identifiers.identifier,
            before.person_id as former_person_id,
            identifiers.person_id,
            cast(
                '{{ run_started_at.strftime("%Y-%m-%d %H:%M:%S.%f") }}' as timestamp
            ) as assigned_at
        from identifiers
        left join
            assignments_before as before on identifiers.identifier = before.identifier
        where before.person_id is null or before.person_id <> identifiers.person_id
    )

select *
from assignments_new
