with

    submissions as (select * from {{ ref("stg_forms__submissions") }}),
    list_rows as (select * from {{ ref("stg_lists__rows") }}),
    leads as (select * from {{ ref("stg_crm__leads") }}),
    orders as (select * from {{ ref("stg_crm__orders") }}),
    events as (select * from {{ ref("stg_email__events") }}),
    elsewhere as (select * from {{ ref("int_sightings_elsewhere") }}),

    -- A mail parameter is reported with every event of its mail; the first report is
    -- evidence enough.
    recipients_ranked as (
        select
            *,
            row_number() over (
                partition by recipient, mail_token order by occurred_at, row_key
            ) as report_number
        from events
        where recipient is not null
    ),

    sightings as (
        select
            row_key,
            'forms' as source,
            occurred_at as seen_at,
            email,
            cast(null as {{ dbt.type_string() }}) as crm_lead,
            cast(null as {{ dbt.type_string() }}) as mail_token,
            person_name,
            person_name_raw,
            person_kana,
            company_name,
            company_key,
            department,
            position,
            phone,
            prefecture,
            industry,
            cast(null as {{ dbt.type_string() }}) as member_id,
            cast(null as {{ dbt.type_string() }}) as social_account
        from submissions
        union all
        select
            row_key,
            'lists' as source,
            coalesce(
                {{ day_begins_at("collected_on") }}, cast('1900-01-01' as timestamp)
            ) as seen_at,
            email,
            null as crm_lead,
            null as mail_token,
            person_name,
            person_name_raw,
            person_kana,
            company_name,
            company_key,
            department,
            position,
            phone,
            prefecture,
            null as industry,
            null as member_id,
            null as social_account
        from list_rows
        union all
        select
            row_key,
            'crm' as source,
            coalesce(
                created_at, updated_at, cast('1900-01-01' as timestamp)
            ) as seen_at,
            email,
            lead_id as crm_lead,
            null as mail_token,
            person_name,
            person_name_raw,
            person_kana,
            company_name,
            company_key,
            department,
            position,
            phone,
            prefecture,
            industry,
            null as member_id,
            null as social_account
        from leads
        union all
        select
            row_key,
            'orders' as source,
            ordered_at as seen_at,
            email,
            lead_id as crm_lead,
            null as mail_token,
            null as person_name,
            null as person_name_raw,
            null as person_kana,
            null as company_name,
            null as company_key,
            null as department,
            null as position,
            null as phone,
            null as prefecture,
            null as industry,
            null as member_id,
            null as social_account
        from orders
        union all
        select
            row_key,
            'email' as source,
            occurred_at as seen_at,
            recipient as email,
            null as crm_lead,
            mail_token,
            null as person_name,
            null as person_name_raw,
            null as person_kana,
            null as company_name,
            null as company_key,
            null as department,
            null as position,
            null as phone,
            null as prefecture,
            null as industry,
            null as member_id,
            null as social_account
        from recipients_ranked
        where report_number = 1
        union all
        select
            row_key,
            source,
            seen_at,
            email,
            crm_lead,
            null as mail_token,
            person_name,
            person_name_raw,
            person_kana,
            company_name,
            company_key,
            department,
            position,
            phone,
            prefecture,
            null as industry,
            member_id,
            social_account
        from elsewhere
    )

select *
from sightings
